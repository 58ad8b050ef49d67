{#- As BigQuery writes it in JSON; other engines write it differently. -#}
{% macro moment_text(moment) -%}
format_timestamp('%FT%TZ', {{ moment }})
{%- endmacro %}
