{#- Every source table of the platform, as (source, table): dbt has to know while it parses which ones a model reads. -#}
{% macro platform_sources() %}
    {{ return([
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
    ]) }}
{% endmacro %}
