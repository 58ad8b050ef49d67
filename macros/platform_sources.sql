{% macro platform_sources() %}
    {%- set found = [] -%}
    {%- for source_name, tables in var('source_tables').items() -%}
        {%- for table_name in tables -%}
            {%- do found.append((source_name, table_name)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
