{%- set facts = declared_source('nba_raw', 'nbac_schedule') %}
with game_days as (
    select * from {{ ref('game_days') }}
    where is_covered and unfinished_game_count > 0
),

unfinished as (
    select
        game_date,
        min(schedule_game_id) as example,
        max(loaded_at) as loaded_at,
    from {{ ref('games') }}
    where is_unfinished
    group by game_date
)

select
    'SCHED001' as rule,
    game_days.game_date,
    'nbac_schedule' as subject,
    if(game_days.final_game_count = 0, 'error', 'warn') as severity,
    concat(
        cast(game_days.unfinished_game_count as string), ' of ', cast(game_days.scheduled_game_count as string),
        ' games are neither final nor called off, such as ', coalesce(unfinished.example, 'a game without an id'), '.'
    ) as summary,
    cast(game_days.unfinished_game_count as float64) as observed,
    0.0 as expected,
    to_json_string(struct(
        game_days.unfinished_game_count as unfinished_games,
        game_days.final_game_count as final_games,
        game_days.scheduled_game_count as expected_games,
        {{ moment_text('unfinished.loaded_at') }} as last_loaded_at,
        unfinished.example as example
    )) as detail,
    concat(
        'select * from {{ facts.relation_name }} where game_date = date \'', cast(game_days.game_date as string),
        '\' and (game_status is null or game_status != 3)'
    ) as query,
from game_days
inner join unfinished on game_days.game_date = unfinished.game_date
