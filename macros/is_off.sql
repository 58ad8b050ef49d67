{% macro is_off(family) -%}
{%- if families_off() -%}
{{ family }} in ('{{ families_off() | join("', '") }}')
{%- else -%}
false
{%- endif -%}
{%- endmacro %}
