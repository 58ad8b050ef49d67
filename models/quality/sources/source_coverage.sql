-- What trueup could see: one row per source table, from the warehouse's own word at the time of the run.
{%- set tables = [
    ('nba_analytics', 'player_game_summary'),
    ('nba_analytics', 'team_offense_game_summary'),
    ('nba_analytics', 'team_defense_game_summary'),
    ('nba_analytics', 'upcoming_player_game_context'),
    ('nba_analytics', 'upcoming_team_game_context'),
    ('nba_precompute', 'player_daily_cache'),
    ('nba_raw', 'nbac_schedule'),
    ('nba_raw', 'nbac_gamebook_player_stats'),
    ('nba_orchestration', 'scraper_run_history'),
    ('nba_orchestration', 'orchestrator_log'),
    ('nba_reference', 'processor_run_history'),
] %}

{% for source_name, table_name in tables -%}
{%- set facts = source_facts(source_name, table_name) %}
{%- set optional_columns = facts.meta.get('optional_columns', []) %}
select
    '{{ source_name }}' as source_name,
    '{{ table_name }}' as table_name,
    '{{ facts.relation | replace('`', '') }}' as relation_name,
    {{ facts.meta.get('is_optional', false) | lower }} as is_optional,
    {{ facts.is_present | lower }} as is_present,
    '{{ (facts.missing_columns | reject('in', optional_columns) | join(', ')) if facts.is_present else '' }}' as missing_columns,
    '{{ facts.undeclared_columns | join(', ') }}' as undeclared_columns
{%- if not loop.last %}
union all
{%- endif %}
{% endfor %}
