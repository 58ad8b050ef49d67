{#- Uses seconds, because the embedded warehouse counts minute boundaries and BigQuery counts whole minutes. -#}
{% macro minutes_between(earlier, later) -%}
div(timestamp_diff({{ later }}, {{ earlier }}, second), 60)
{%- endmacro %}
