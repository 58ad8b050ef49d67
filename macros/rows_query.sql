{#-
    A SQL expression that returns the query of a finding: the source rows of one date that meet a condition. It needs
    the columns table_name and game_date. The condition may use the placeholders GRAIN, GRAIN_IS_NULL and ENTITY.
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
