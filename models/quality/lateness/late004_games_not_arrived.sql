{%- set facts = declared_source('nba_raw', 'nbac_gamebook_player_stats') %}
with arrivals as (
    select * from {{ ref('game_arrivals') }}
    where
        is_source_present
        and is_schedule_known
        and is_alert_time_over
        and undated_game_count = 0
        and arrived_game_count < due_game_count
)

select
    'LATE004' as rule,
    game_date,
    'nbac_gamebook_player_stats' as subject,
    'error' as severity,
    concat(
        cast(arrived_game_count as string), ' of ', cast(due_game_count as string),
        ' games had arrived by the alert time; ', cast(arrived_so_far_count as string), ' have arrived by now.'
    ) as summary,
    cast(arrived_game_count as float64) as observed,
    cast(due_game_count as float64) as expected,
    to_json_string(struct(
        {{ moment_text('alert_at') }} as alert_at,
        due_game_count as due_games,
        arrived_game_count as arrived_at_alert,
        arrived_so_far_count as arrived_so_far,
        {{ moment_text('last_arrived_at') }} as last_arrived_at
    )) as detail,
    concat(
        'select game_id, min({{ first_written(facts) }}) as arrived_at from {{ facts.relation_name }} where game_date = date \'',
        cast(game_date as string), '\' group by game_id order by arrived_at'
    ) as query,
from arrivals
