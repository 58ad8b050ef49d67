{#-
    The latest row of each grain of a staged analytics table.

    Grain and newest_by come from the source's entry in _sources.yml. Rows with a NULL in the grain are
    kept, all of them, although they may look alike: nobody can say that two unknown players are one.
    DUP003 reports them. The order has no tie: it ends in a hash of the row.
-#}
{% macro keep_latest(source_name, table_name) %}
    {%- set facts = source_facts(source_name, table_name) -%}
with staged as (
    select * from {{ ref('stg_' ~ source_name ~ '__' ~ table_name) }}
)

select
    {%- for column in facts.columns %}
    staged.{{ column }},
    {%- else %}
    staged.*
    {%- endfor %}
from staged
qualify
    row_number() over (
        partition by {{ facts.meta.get('grain', ['game_date']) | join(', ') }}
        order by {{ newest_first(facts.meta.get('newest_by', 'processed_at'), row_hash('staged')) }}
    ) = 1
    {%- for column in facts.meta.get('grain', []) %}
    or staged.{{ column }} is null
    {%- endfor %}
{%- endmacro %}
