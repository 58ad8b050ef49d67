{#-
    The hash breaks ties, so that every run and engine keeps the same row. In dbt unit tests, where the
    declarations are missing, it is computed from the engine's own JSON of the row.
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
