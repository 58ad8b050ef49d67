{#-
    The families of rules that the var families_off switches off, checked and told: a misspelt one would leave on what
    it means to switch off, and one that dbt itself examines is no deployment's to do without.
-#}
{% macro families_off() %}
    {%- set known = ['completion', 'trigger', 'expectations'] -%}
    {%- for family in var('families_off') if family not in known -%}
        {{ exceptions.raise_compiler_error(
            "The var families_off names " ~ family ~ "; it may name " ~ known | join(', ') ~ "."
        ) }}
    {%- endfor -%}
    {{ return(var('families_off')) }}
{% endmacro %}
