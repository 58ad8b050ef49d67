{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'game_date', 'data_type': 'date'},
        partitions=['see replaced_days'],
    )
}}

{{ stage('nba_analytics', 'team_offense_game_summary') }}
