{{
    config(
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'game_date', 'data_type': 'date'},
    )
}}

{{
    keep_latest(
        'upcoming_team_game_context',
        grain=['game_date', 'game_id', 'team_abbr'],
        newest_by='processed_at',
    )
}}
