{#- By seconds: the embedded warehouse counts the minutes' boundaries where BigQuery counts whole minutes. -#}
{% macro minutes_between(earlier, later) -%}
div(timestamp_diff({{ later }}, {{ earlier }}, second), 60)
{%- endmacro %}
