{#- The tables that duplicates are looked for in: those that the phase 3 processors write. -#}
{% macro analytics_tables() %}
    {{ return(var('source_tables').nba_analytics) }}
{% endmacro %}
