{#-
    A SQL expression whose value is the query that shows the rows of a finding: the raw table, one date, and a
    condition. table_name and game_date are columns; the condition may use the word GRAIN.
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
