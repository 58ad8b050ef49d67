{{ config(alias='scraper_lateness') }}

-- A pure function of roster, schedule, runs and as_of: one row per scraper and date, whether it ran or not.
-- Joined from the schedule, so that a scraper which never ran has a row, and a day without games has no fault.

with roster as (
    select * from {{ ref('scraper_roster') }}
),

game_days as (
    select * from {{ ref('game_days') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
    where table_name = 'scraper_run_history'
),

runs as (
    select * from {{ ref('stg_nba_orchestration__scraper_run_history') }}
    where started_at <= {{ as_of() }}
),

due as (
    select
        roster.scraper_name,
        game_days.game_date,
        roster.time_zone,
        {{ local_moment('date_add(game_days.game_date, interval roster.day_offset day)', 'roster.due_time', 'roster.time_zone') }} as due_at,
        {{ local_moment('date_add(game_days.game_date, interval roster.day_offset day)', 'roster.alert_time', 'roster.time_zone') }} as alert_at,
        coverage.is_present as is_source_present,
        not roster.requires_games or game_days.is_schedule_known as is_expectation_known,
        not roster.requires_games or game_days.scheduled_game_count > 0 as is_expected,
        game_days.scheduled_game_count,
    from roster
    cross join game_days
    cross join coverage
),

dated_runs as (
    select
        roster.scraper_name,
        -- A run without a game date is for the games whose results were due on the day it ran.
        coalesce(
            runs.game_date,
            date_sub(date(runs.started_at, roster.time_zone), interval roster.day_offset day)
        ) as game_date,
        runs.started_at,
        -- Useful: it brought something. A run that failed, crashed or found nothing is not on time.
        -- Without a status, a run that ended is taken at its word.
        coalesce(runs.record_count, 1) > 0
        and case
            when runs.status is null then coalesce(runs.completed_at <= {{ as_of() }}, false)
            else lower(runs.status) = 'success' and coalesce(runs.completed_at <= {{ as_of() }}, true)
        end as is_useful,
    from roster
    inner join runs on roster.scraper_name = runs.scraper_name
),

run_counts as (
    select
        scraper_name,
        game_date,
        count(*) as run_count,
        min(started_at) as first_run_at,
        min(if(is_useful, started_at, null)) as first_useful_run_at,
    from dated_runs
    group by scraper_name, game_date
),

judged as (
    select
        due.scraper_name,
        due.game_date,
        due.time_zone,
        due.due_at,
        due.alert_at,
        due.scheduled_game_count,
        coalesce(run_counts.run_count, 0) as run_count,
        run_counts.first_run_at,
        run_counts.first_useful_run_at,
        case
            when due.due_at is null or due.alert_at is null then 'unknown'
            when not due.is_source_present or not due.is_expectation_known then 'unknown'
            when not due.is_expected then 'not_expected'
            when run_counts.first_useful_run_at <= due.due_at then 'on_time'
            when run_counts.first_useful_run_at is not null then 'late'
            when {{ as_of() }} < due.alert_at then 'pending'
            when run_counts.run_count > 0 then 'failed'
            else 'missing'
        end as state,
        case
            when due.due_at is null or due.alert_at is null
                then 'the time zone is not in the var roster_time_zones'
            when not due.is_source_present then 'scraper_run_history is not there'
            when not due.is_expectation_known then 'the schedule does not cover the date'
            when not due.is_expected then 'no games that day'
        end as reason,
    from due
    left join run_counts
        on
            due.scraper_name = run_counts.scraper_name
            and due.game_date = run_counts.game_date
)

select
    scraper_name,
    game_date,
    state,
    due_at,
    alert_at,
    first_run_at,
    first_useful_run_at,
    run_count,
    scheduled_game_count,
    -- Minutes past due: of the first useful run, or so far where there was none.
    case state
        when 'late' then {{ minutes_between('due_at', 'first_useful_run_at') }}
        when 'missing' then {{ minutes_between('due_at', as_of()) }}
        when 'failed' then {{ minutes_between('due_at', as_of()) }}
    end as late_by_minutes,
    state = 'late' and first_useful_run_at > alert_at as is_past_alert,
    time_zone,
    reason,
from judged
