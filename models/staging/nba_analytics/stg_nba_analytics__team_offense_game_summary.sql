{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'game_date', 'data_type': 'date'},
        partitions=checked_partitions(),
    )
}}

{{ stage('nba_analytics', 'team_offense_game_summary') }}
