{% macro analytics_tables() %}
    {{ return(var('source_tables').nba_analytics) }}
{% endmacro %}
