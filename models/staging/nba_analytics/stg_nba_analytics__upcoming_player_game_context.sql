{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'game_date', 'data_type': 'date'},
        partitions=['see replaced_days'],
    )
}}

{{ stage('nba_analytics', 'upcoming_player_game_context') }}
