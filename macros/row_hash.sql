{#-
    The hash ends the total order, so that no survivor is left to chance and every engine keeps the same one. Where the
    declarations are not known (in dbt's unit tests) it is of the engine's own text of the row.
-#}
{% macro row_hash(row, columns) -%}
{%- if columns -%}
to_hex(sha256(to_json_string(struct(
    {%- for name, data_type in columns.items() %}
    {{ portable(row ~ '.' ~ name, data_type) }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
))))
{%- else -%}
to_hex(sha256(to_json_string({{ row }})))
{%- endif -%}
{%- endmacro %}
