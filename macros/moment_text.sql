{#- The format that BigQuery uses in JSON; other engines use another one. -#}
{% macro moment_text(timestamp) -%}
format_timestamp('%FT%TZ', {{ timestamp }})
{%- endmacro %}
