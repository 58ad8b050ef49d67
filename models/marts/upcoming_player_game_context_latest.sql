{{
    config(
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'game_date', 'data_type': 'date'},
    )
}}

{{
    keep_latest(
        'upcoming_player_game_context',
        grain=['game_date', 'game_id', 'player_lookup'],
        newest_by='processed_at',
    )
}}
