{#-
    The hash breaks ties, so that every run and engine keeps the same row. dbt unit tests have no declarations: there
    the hash is that of the engine's own JSON of the row.
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
