{#- Two rows that are equal in all of it are equal altogether. -#}
{% macro newest_first(written_at, hash) -%}
{{ written_at }} desc nulls last, {{ hash }}
{%- endmacro %}
