{#- A key with a NULL equals no key. -#}
{% macro equal_keys(left, right, columns) -%}
{% for column in columns %}{{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
{%- endmacro %}
