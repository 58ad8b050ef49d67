{{
    config(
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'game_date', 'data_type': 'date'},
    )
}}

{{
    keep_latest(
        'player_game_summary',
        grain=['game_date', 'game_id', 'player_lookup'],
        newest_by='processed_at',
    )
}}
