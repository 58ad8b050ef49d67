{#- The tables that the phase 3 processors write: those that duplicates are looked for in. -#}
{% macro analytics_tables() %}
    {{ return([
        'player_game_summary',
        'team_offense_game_summary',
        'team_defense_game_summary',
        'upcoming_player_game_context',
        'upcoming_team_game_context',
    ]) }}
{% endmacro %}
