{% macro date_array() -%}
    {%- set window = check_window() -%}
generate_date_array(date '{{ window.first_date }}', date '{{ window.last_date }}')
{%- endmacro %}
