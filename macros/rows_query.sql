{#-
    A SQL expression that returns the query for the rows of a finding: raw table, one date, and a condition. It reads
    the columns table_name and game_date. The condition may use the words GRAIN, GRAIN_IS_NULL and ENTITY.
-#}
{% macro rows_query(condition) -%}
case table_name
    {%- for table_name in analytics_tables() %}
    {%- set facts = declared_source('nba_analytics', table_name) %}
    {%- set grain = facts.meta.get('grain', []) | join(', ') %}
    {%- set entity = facts.meta.get('entity', '') %}
    when '{{ table_name }}' then concat(
        'select * from {{ facts.relation_name }} where game_date = date \'', cast(game_date as string),
        '\' {{ condition | replace('GRAIN_IS_NULL', facts.meta.get('grain', []) | join(' is null or ') ~ ' is null') | replace('GRAIN', grain) | replace('ENTITY', entity) }}'
    )
    {%- endfor %}
end
{%- endmacro %}
