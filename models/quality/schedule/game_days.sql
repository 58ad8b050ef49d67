-- A day without games is known to be one when the schedule was loaded after it, or has games on both sides
-- of it. Otherwise nobody can say whether silence is right.

with days as (
    select game_date
    from unnest({{ date_array() }}) as game_date
),

games as (
    select * from {{ ref('games') }}
),

-- An inner join first: BigQuery refuses an outer one without an equality.
near as (
    select
        days.game_date,
        countif(games.game_date = days.game_date and games.is_expected) as scheduled_game_count,
        countif(games.game_date = days.game_date and games.is_final) as final_game_count,
        countif(games.game_date = days.game_date) as listed_game_count,
        countif(games.game_date < days.game_date) as earlier_game_count,
        countif(games.game_date > days.game_date) as later_game_count,
        max(games.loaded_at) as loaded_at,
    from days
    inner join games
        on
            games.game_date
            between date_sub(days.game_date, interval {{ var('schedule_margin_days') }} day)
            and date_add(days.game_date, interval {{ var('schedule_margin_days') }} day)
    group by days.game_date
)

select
    days.game_date,
    coalesce(near.scheduled_game_count, 0) as scheduled_game_count,
    coalesce(near.final_game_count, 0) as final_game_count,
    coalesce(
        near.listed_game_count > 0
        or (near.earlier_game_count > 0 and near.later_game_count > 0)
        or near.loaded_at >= timestamp(datetime(date_add(days.game_date, interval 1 day), time(0, 0, 0)), 'America/New_York'),
        false
    ) as is_schedule_known,
from days
left join near on days.game_date = near.game_date
