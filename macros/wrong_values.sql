{#- Part of the test well_formed: the values of some columns that break one rule, and how many rows have them.
The names are those of no column of a table, so that the key is always the table's. -#}
{% macro wrong_values(model, columns, broken_rule, rows, groups) -%}
{%- set names = modules.re.findall('`([^`]+)`', model | string) -%}
select
    '{{ names[2] if names | length > 2 else model }}' as tested_table,
    '{{ columns | join(', ') }}' as tested_columns,
    '{{ broken_rule }}' as broken_rule,
    concat(
        {%- for column in columns -%}
            {{ "', ', " if not loop.first }}coalesce(cast({{ column }} as string), 'NULL'){{ ', ' if not loop.last }}
        {%- endfor -%}
    ) as wrong_value,
    count(*) as row_count,
from {{ model }}
where {{ rows }}
group by {{ columns | join(', ') }}
having {{ groups }}
{%- endmacro %}
