{% macro checked_partitions() %}
    {%- set window = check_window() -%}
    {%- set days = [] -%}
    {%- for offset in range((window.last_date - window.first_date).days + 1) -%}
        {%- do days.append("date '" ~ (window.first_date + modules.datetime.timedelta(days=offset)) ~ "'") -%}
    {%- endfor -%}
    {{ return(days) }}
{% endmacro %}
