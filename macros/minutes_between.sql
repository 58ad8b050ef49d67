{#- Whole minutes from one moment to another, cut towards zero. -#}
{% macro minutes_between(earlier, later) -%}
div(unix_seconds({{ later }}) - unix_seconds({{ earlier }}), 60)
{%- endmacro %}
