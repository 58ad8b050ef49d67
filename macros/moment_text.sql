{#- A moment as BigQuery writes it in JSON, to the second; other engines write it in their own way. -#}
{% macro moment_text(moment) -%}
format_timestamp('%FT%TZ', {{ moment }})
{%- endmacro %}
