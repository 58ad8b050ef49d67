-- A day without games is known to be one when the schedule was loaded after it, or has games on both sides
-- of it. Otherwise nobody can say whether silence is right.

with days as (
    select game_date
    from unnest({{ date_array() }}) as game_date
),

games as (
    select * from {{ ref('games') }}
),

counted as (
    select
        days.game_date,
        countif(games.game_date = days.game_date and games.is_expected) as scheduled_game_count,
        countif(games.game_date = days.game_date and games.is_final) as final_game_count,
        countif(games.game_date = days.game_date) as listed_game_count,
        countif(games.game_date < days.game_date) as earlier_game_count,
        countif(games.game_date > days.game_date) as later_game_count,
        max(games.loaded_at) as loaded_at,
    from days
    left join games
        on
            games.game_date
            between date_sub(days.game_date, interval {{ var('schedule_margin_days') }} day)
            and date_add(days.game_date, interval {{ var('schedule_margin_days') }} day)
    group by days.game_date
)

select
    game_date,
    scheduled_game_count,
    final_game_count,
    listed_game_count > 0
    or (earlier_game_count > 0 and later_game_count > 0)
    or coalesce(
        loaded_at >= timestamp(datetime(date_add(game_date, interval 1 day), time(0, 0, 0)), 'America/New_York'),
        false
    ) as is_schedule_known,
from counted
