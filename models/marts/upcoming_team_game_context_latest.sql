{{
    config(
        alias='upcoming_team_game_context_latest',
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'game_date', 'data_type': 'date'},
        partitions=checked_partitions(),
        on_schema_change='append_new_columns',
    )
}}

{{ keep_latest('nba_analytics', 'upcoming_team_game_context') }}
