{% macro run_history_query() -%}
    {%- set facts = declared_source('nba_orchestration', 'scraper_run_history') -%}
concat(
        'select * from {{ facts.relation_name }} where scraper_name = \'',
        replace(replace(scraper_name, '\\', '\\\\'), '\'', '\\\''),
        '\' and started_at >= timestamp \'', cast(date_sub(game_date, interval 1 day) as string),
        '\' and started_at < timestamp \'', cast(date_add(game_date, interval 8 day) as string), '\' order by started_at'
    )
{%- endmacro %}
