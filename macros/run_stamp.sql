{#- The run is empty where dbt runs alone: then two builds as of one moment give the same rows. -#}
{% macro run_stamp() -%}
'{{ var('run_id', none) or '' }}' as run_id,
    {{ as_of() }} as evaluated_at,
{%- endmacro %}
