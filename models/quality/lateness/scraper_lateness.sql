-- Depends only on roster, schedule, runs and as_of. One row per scraper and date: the joins start from roster and days,
-- so that a scraper that never ran has a row too.

{%- set due_date = 'date_add(game_days.game_date, interval roster.day_offset day)' %}

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

due as (
    select
        roster.scraper_name,
        game_days.game_date,
        roster.time_zone,
        {{ local_moment(due_date, 'roster.due_time', 'roster.time_zone') }} as due_at,
        {{ local_moment(due_date, 'roster.alert_time', 'roster.time_zone') }} as alert_at,
        coverage.is_present as is_source_present,
        not roster.requires_games or game_days.is_schedule_known as is_expectation_known,
        not roster.requires_games or game_days.scheduled_game_count > 0 as is_expected,
        game_days.scheduled_game_count,
        game_days.schedule_problem,
    from roster
    cross join game_days
    cross join coverage
),

run_counts as (
    select
        scraper_name,
        game_date,
        count(*) as run_count,
        min(started_at) as first_run_at,
        min(useful_at) as first_useful_at,
        min(if(is_end_unknown, started_at, null)) as first_unproven_at,
    from {{ ref('scraper_runs') }}
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
        due.is_source_present,
        due.is_expectation_known,
        due.is_expected,
        due.schedule_problem,
        coalesce(run_counts.run_count, 0) as run_count,
        run_counts.first_run_at,
        -- A successful run without a valid end time became useful at an unknown time after its start. Its start is
        -- used, as the earliest possible time, if no other run was useful by the alert time.
        case
            when run_counts.first_useful_at <= due.alert_at then run_counts.first_useful_at
            else least(
                coalesce(run_counts.first_useful_at, run_counts.first_unproven_at),
                coalesce(run_counts.first_unproven_at, run_counts.first_useful_at)
            )
        end as first_useful_run_at,
        case
            when due.due_at is null or due.alert_at is null then 'unknown'
            when not due.is_source_present or not due.is_expectation_known then 'unknown'
            when not due.is_expected then 'not_expected'
            when run_counts.first_useful_at <= due.due_at then 'on_time'
            when run_counts.first_useful_at <= due.alert_at then 'late'
            when run_counts.first_unproven_at <= due.alert_at then 'unknown'
            when run_counts.first_useful_at is not null or run_counts.first_unproven_at is not null then 'late'
            when {{ as_of() }} < due.alert_at then 'pending'
            when run_counts.run_count > 0 then 'failed'
            else 'missing'
        end as state,
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
    -- Minutes from the due time to the end (if unknown, the start) of the first useful run, or to as_of without one.
    case state
        when 'late' then {{ minutes_between('due_at', 'first_useful_run_at') }}
        when 'missing' then {{ minutes_between('due_at', as_of()) }}
        when 'failed' then {{ minutes_between('due_at', as_of()) }}
    end as late_by_minutes,
    state = 'late' and first_useful_run_at > alert_at as is_past_alert,
    time_zone,
    case
        when due_at is null or alert_at is null then 'the time zone is not in the var roster_time_zones'
        when not is_source_present then 'table scraper_run_history is missing'
        when not is_expectation_known then schedule_problem
        when not is_expected then 'no games that day'
        when state = 'unknown' then concat(scraper_name, ' has a successful run without a valid end time')
    end as reason,
    {{ run_stamp() }}
from judged
