{#- Literals, so that BigQuery reads only the checked days. -#}
{% macro partition_range(column, data_type='date', days_before=0, days_after=0) %}
    {%- set window = check_window() -%}
    {%- set first = window.first_date - modules.datetime.timedelta(days=days_before) -%}
    {%- set last = window.last_date + modules.datetime.timedelta(days=days_after) -%}
    {%- if data_type == 'timestamp' -%}
{{ column }} >= timestamp '{{ first }} 00:00:00+00:00' and {{ column }} < timestamp '{{ last + modules.datetime.timedelta(days=1) }} 00:00:00+00:00'
    {%- else -%}
{{ column }} between date '{{ first }}' and date '{{ last }}'
    {%- endif -%}
{% endmacro %}
