{{
    config(
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'game_date', 'data_type': 'date'},
    )
}}

{{
    keep_latest(
        'team_defense_game_summary',
        grain=['game_date', 'game_id', 'defending_team_abbr'],
        newest_by='processed_at',
    )
}}
