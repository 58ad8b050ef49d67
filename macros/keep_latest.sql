{#-
    Rows with a NULL in the grain are all kept, even equal ones, because two unknown players may be different. DUP003
    reports these rows. The order has no ties, because it ends with a hash of the row. The hash costs more than all the
    rest, so it is computed only for keys with equally new rows. The range is the one that insert_overwrite replaces:
    the staged rows may be of more days, if another run has staged them meanwhile.
-#}
{% macro keep_latest(table_name, grain, newest_by) -%}
with staged as (
    select * from {{ staged('nba_analytics', table_name) }}
),

tied as (
    select distinct {{ grain | join(', ') }}
    from (
        select {{ grain | join(', ') }}
        from staged
        group by {{ (grain + [newest_by]) | join(', ') }}
        having count(*) > 1
    )
)

select staged.*
from staged
left join tied
    on {{ equal_keys('staged', 'tied', grain) }}
qualify
    row_number() over (
        partition by {% for column in grain %}staged.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
        order by {{ newest_first(
            'staged.' ~ newest_by,
            'if(tied.' ~ grain[0] ~ ' is null, null, '
            ~ row_hash('staged', declared_source('nba_analytics', table_name).columns) ~ ')'
        ) }}
    ) = 1
    {%- for column in grain %}
    or staged.{{ column }} is null
    {%- endfor %}
{%- endmacro %}
