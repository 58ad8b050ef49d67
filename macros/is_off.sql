{#- Whether the family of rules that a column names is switched off by the var families_off. -#}
{% macro is_off(family) -%}
{%- if families_off() -%}
{{ family }} in ('{{ families_off() | join("', '") }}')
{%- else -%}
false
{%- endif -%}
{%- endmacro %}
