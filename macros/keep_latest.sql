{#-
    Rows with a NULL in the grain are all kept, even equal ones, because two unknown players may be different. DUP003
    reports these rows. The order has no ties, because it ends with a hash of the row. The hash costs more than all the
    rest, so the rows of keys with equally new rows are ordered apart. The first order has one column and reads staging
    without a join or a CTE of it: so the embedded engine orders four columns instead of all. The days are those that
    insert_overwrite replaces; staging keeps others.
-#}
{% macro keep_latest(table_name, grain, newest_by) -%}
{%- set staging = ref('stg_nba_analytics__' ~ table_name) -%}
{%- set declared = declared_source('nba_analytics', table_name) -%}
{%- set days = staged_range(declared, 'staged') if declared.columns else 'true' -%}
{%- set keys = 'staged.' ~ grain | join(', staged.') -%}
{%- set hash = row_hash('staged', declared.columns) -%}
with tied as (
    select distinct {{ grain | join(', ') }}
    from (
        select {{ keys }}
        from {{ staging }} as staged
        where {{ days }}
        group by {{ keys }}, staged.{{ newest_by }}
        having count(*) > 1
    )
),

newest as (
    select staged.*
    from {{ staging }} as staged
    where {{ days }}
    qualify
        row_number() over (partition by {{ keys }} order by staged.{{ newest_by }} desc nulls last) = 1
        {%- for column in grain %}
        or staged.{{ column }} is null
        {%- endfor %}
)

select newest.*
from newest
left join tied
    on {{ equal_keys('newest', 'tied', grain) }}
where tied.{{ grain[0] }} is null
union all
select staged.*
from {{ staging }} as staged
inner join tied
    on {{ equal_keys('staged', 'tied', grain) }}
where {{ days }}
qualify row_number() over (partition by {{ keys }} order by {{ newest_first('staged.' ~ newest_by, hash) }}) = 1
{%- endmacro %}
