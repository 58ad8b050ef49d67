{#- Rows that tie in this order are identical. -#}
{% macro newest_first(written_at, hash) -%}
{{ written_at }} desc nulls last, {{ hash }}
{%- endmacro %}
