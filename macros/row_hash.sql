{#- A hash of a whole row: the last word of the total order, so that no survivor is left to chance. -#}
{% macro row_hash(row) -%}
to_hex(sha256(to_json_string({{ row }})))
{%- endmacro %}
