{#- An unknown family is an error: the family that was meant would stay on. Families that dbt judges cannot be off. -#}
{% macro families_off() %}
    {%- set known = ['completion', 'trigger', 'expectations'] -%}
    {%- for family in var('families_off') if family not in known -%}
        {{ exceptions.raise_compiler_error(
            "The var families_off has the unknown family " ~ family ~ "; allowed are " ~ known | join(', ') ~ "."
        ) }}
    {%- endfor -%}
    {{ return(var('families_off')) }}
{% endmacro %}
