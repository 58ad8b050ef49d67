{#- run_id is empty if dbt runs alone, so that two builds with the same as_of give the same rows. -#}
{% macro run_stamp() -%}
'{{ var('run_id', none) or '' }}' as run_id,
    {{ as_of() }} as evaluated_at,
{%- endmacro %}
