{{
    config(
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'game_date', 'data_type': 'date'},
        partitions=['see replaced_days'],
    )
}}

{{
    keep_latest(
        'upcoming_team_game_context',
        grain=['game_date', 'game_id', 'team_abbr'],
        newest_by='processed_at',
        partition_column='game_date',
    )
}}
