{% macro shell_word(text) -%}
    if(
        regexp_contains({{ text }}, r'^[A-Za-z0-9_@%+=:,./-]+$'),
        {{ text }},
        concat("'", replace({{ text }}, "'", "'\"'\"'"), "'")
    )
{%- endmacro %}
