{#-
    Rows with a NULL in the grain are all kept, even equal ones, because two unknown players may be different. DUP003
    reports these rows. The order has no ties, because it ends with a hash of the row.
-#}
{% macro keep_latest(table_name, grain, newest_by) -%}
with staged as (
    select * from {{ ref('stg_nba_analytics__' ~ table_name) }}
)

select staged.*
from staged
qualify
    row_number() over (
        partition by {{ grain | join(', ') }}
        order by {{ newest_first(newest_by, row_hash('staged', declared_source('nba_analytics', table_name).columns)) }}
    ) = 1
    {%- for column in grain %}
    or staged.{{ column }} is null
    {%- endfor %}
{%- endmacro %}
