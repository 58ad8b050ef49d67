-- The schedule covers a day if it has a game on that day or near it on both sides, or was loaded after that day. Check
-- is_schedule_known before relying on a count: "no games" is only true if the schedule is reliable.

with days as (
    select game_date
    from unnest({{ date_array() }}) as game_date
),

games as (
    select * from {{ ref('games') }}
    where state != 'moved'
),

-- An inner join, because BigQuery rejects an outer join without an equality.
near as (
    select
        days.game_date,
        countif(games.game_date = days.game_date and games.is_expected) as scheduled_game_count,
        countif(games.game_date = days.game_date and games.is_final) as final_game_count,
        countif(games.game_date = days.game_date and games.is_unfinished) as unfinished_game_count,
        countif(games.game_date = days.game_date) as listed_game_count,
        countif(games.game_date = days.game_date and not games.is_of_known_kind) as unknown_game_count,
        min(if(games.game_date = days.game_date and not games.is_of_known_kind, games.schedule_game_id, null)) as unknown_game,
        countif(games.game_date < days.game_date) as earlier_game_count,
        countif(games.game_date > days.game_date) as later_game_count,
    from days
    inner join games
        on
            games.game_date
            between date_sub(days.game_date, interval {{ var('schedule_margin_days') }} day)
            and date_add(days.game_date, interval {{ var('schedule_margin_days') }} day)
    group by days.game_date
),

-- Between two seasons no game is near, and the newest row shows when the schedule was last loaded.
schedule as (
    select
        countif(is_counted) as counted_game_count,
        max(loaded_at) as loaded_at,
        max(game_date) as last_game_date,
    from {{ ref('games') }}
),

unscheduled as (
    select
        game_date,
        string_agg(subject, ', ' order by subject) as subjects,
    from {{ ref('unscheduled') }}
    where unscheduled_row_count > 0 or unscheduled_run_count > 0
    group by game_date
),

described as (
    select
        days.game_date,
        coalesce(near.scheduled_game_count, 0) as scheduled_game_count,
        coalesce(near.final_game_count, 0) as final_game_count,
        coalesce(near.unfinished_game_count, 0) as unfinished_game_count,
        coalesce(near.listed_game_count, 0) as listed_game_count,
        near.unknown_game_count,
        near.unknown_game,
        coalesce(
            near.listed_game_count > 0
            or (near.earlier_game_count > 0 and near.later_game_count > 0)
            or (
                -- A schedule that ends shortly before the day may have been cut off.
                (schedule.last_game_date > days.game_date or coalesce(near.earlier_game_count, 0) = 0)
                and schedule.loaded_at >= {{ next_day_at('days.game_date', '00:00') }}
            ),
            false
        ) as is_covered,
        schedule.counted_game_count,
        unscheduled.subjects,
        {{ as_of() }} >= {{ next_day_at('days.game_date', var('reports_due_time')) }} as are_reports_due,
    from days
    cross join schedule
    left join near on days.game_date = near.game_date
    left join unscheduled on days.game_date = unscheduled.game_date
),

explained as (
    select
        described.*,
        case
            when not is_covered then 'the schedule does not cover the date'
            when unknown_game_count > 0
                then concat(
                    cast(unknown_game_count as string), ' game ids have an unknown prefix, such as ', unknown_game,
                    ': see the vars counted_game_ids and uncounted_game_ids'
                )
            when counted_game_count = 0 then 'no game in the schedule counts: see the var counted_game_ids'
            when are_reports_due and scheduled_game_count > 0 and final_game_count = 0
                then concat(
                    'the schedule is stale: none of the ', cast(scheduled_game_count as string),
                    ' games that day is final'
                )
            when scheduled_game_count = 0 and subjects is not null
                then concat('the schedule has no games that day, but there are data in: ', subjects)
            else ''
        end as schedule_problem,
    from described
)

select
    game_date,
    scheduled_game_count,
    final_game_count,
    unfinished_game_count,
    listed_game_count,
    is_covered,
    are_reports_due,
    schedule_problem = '' as is_schedule_known,
    schedule_problem,
    {{ run_stamp() }}
from explained
