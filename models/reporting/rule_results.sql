-- The outcome of each rule for each subject, or why it was not run. is_blocking is true if a rule should have examined
-- a subject but could not: the day is then not healthy. A rule in SQL has failed if it has a finding; other rules have
-- the outcome of their verdict.

with findings as (
    select
        rule,
        game_date,
        subject,
        severity,
    from {{ ref('findings') }}
),

rules as (
    select * from {{ ref('rules') }}
),

game_days as (
    select * from {{ ref('game_days') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
),

duplicate_rules as (
    select
        rules.rule,
        table_days.game_date,
        table_days.table_name as subject,
        cast(null as string) as outcome,
        table_days.row_count as examined_count,
        table_days.reason,
        table_days.is_blocking,
    from rules
    inner join {{ ref('table_days') }} as table_days
        on rules.family = 'duplicates'
),

lateness_rules as (
    select
        rules.rule,
        lateness.game_date,
        lateness.scraper_name as subject,
        cast(null as string) as outcome,
        if(lateness.state in ('on_time', 'late', 'missing', 'failed'), 1, 0) as examined_count,
        if(lateness.state = 'pending', 'not due yet', coalesce(lateness.reason, '')) as reason,
        lateness.state = 'unknown' as is_blocking,
    from rules
    inner join {{ ref('scraper_lateness') }} as lateness
        on rules.rule in ('LATE001', 'LATE002', 'LATE003')
),

arrival_rule as (
    select
        'LATE004' as rule,
        game_date,
        'nbac_gamebook_player_stats' as subject,
        cast(null as string) as outcome,
        if(
            is_source_present and is_schedule_known and is_alert_time_over and undated_game_count = 0, due_game_count, 0
        ) as examined_count,
        case
            when not is_source_present then 'table nbac_gamebook_player_stats is missing'
            when alert_at is null then 'nbac_gamebook_player_stats has no alert time in the scraper roster'
            when not is_schedule_known then schedule_problem
            when not is_alert_time_over then 'not due yet'
            when due_game_count = 0 then 'no games that day'
            when undated_game_count > 0 then 'nbac_gamebook_player_stats has rows without a write time'
            else ''
        end as reason,
        not is_source_present
        or not is_schedule_known
        or alert_at is null
        or (is_alert_time_over and undated_game_count > 0) as is_blocking,
    from {{ ref('game_arrivals') }}
),

stale_schedule_rule as (
    select
        'SCHED001' as rule,
        game_date,
        'nbac_schedule' as subject,
        cast(null as string) as outcome,
        if(is_covered and are_reports_due, scheduled_game_count, 0) as examined_count,
        case
            when not is_covered then schedule_problem
            when scheduled_game_count = 0 then 'no games that day'
            when not are_reports_due then 'not due yet'
            else ''
        end as reason,
        not is_covered as is_blocking,
    from game_days
),

-- A table and a scraper with the same name are one subject.
unscheduled_subjects as (
    select
        table_name as subject,
        is_present,
        concat('table ', relation_name, ' is missing') as missing_reason,
    from coverage
    where source_name = 'nba_analytics' or table_name = 'nbac_gamebook_player_stats'
    union all
    select
        roster.scraper_name as subject,
        coverage.is_present,
        'table scraper_run_history is missing' as missing_reason,
    from {{ ref('scraper_roster') }} as roster
    cross join coverage
    where
        roster.requires_games
        and coverage.table_name = 'scraper_run_history'
        and roster.scraper_name != 'nbac_gamebook_player_stats'
),

-- On a day without games, a subject without rows or runs passes once reports are due, and counts as examined.
unscheduled_rule as (
    select
        'SCHED002' as rule,
        game_days.game_date,
        subjects.subject,
        cast(null as string) as outcome,
        case
            when not subjects.is_present or not game_days.is_covered then 0
            when game_days.listed_game_count = 0 and game_days.are_reports_due
                then greatest(coalesce(unscheduled.examined_count, 0), 1)
            else coalesce(unscheduled.examined_count, 0)
        end as examined_count,
        case
            when not subjects.is_present then subjects.missing_reason
            when not game_days.is_covered then game_days.schedule_problem
            when not game_days.are_reports_due then 'not due yet'
            else 'no rows or runs that day'
        end as reason,
        not subjects.is_present or not game_days.is_covered as is_blocking,
    from unscheduled_subjects as subjects
    cross join game_days
    left join {{ ref('unscheduled') }} as unscheduled
        on
            subjects.subject = unscheduled.subject
            and game_days.game_date = unscheduled.game_date
),

judged_rules as (
    select
        rule,
        game_date,
        subject,
        outcome,
        examined_count,
        reason,
        is_blocking,
    from {{ ref('verdict_results') }}
    where family != 'reporting'
),

level_rules as (
    select
        rule,
        game_date,
        metric as subject,
        cast(null as string) as outcome,
        examined_count,
        if(state = 'not_run', 'nothing to measure, or not all of it could be seen', '') as reason,
        false as is_blocking,
    from {{ ref('service_levels') }}
),

said as (
    {%- for results in [
        'duplicate_rules',
        'lateness_rules',
        'arrival_rule',
        'stale_schedule_rule',
        'unscheduled_rule',
        'judged_rules',
        'level_rules',
    ] %}
    select * from {{ results }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- If a subject has a finding but no other result, it has failed.
met as (
    select
        coalesce(said.rule, findings.rule) as rule,
        coalesce(said.game_date, findings.game_date) as game_date,
        coalesce(said.subject, findings.subject) as subject,
        case
            when findings.rule is not null or said.outcome = 'failed' then 'failed'
            when coalesce(said.outcome, 'passed') = 'passed' and said.examined_count > 0 then 'passed'
            else 'not_run'
        end as outcome,
        findings.severity,
        if(findings.rule is null, said.examined_count, greatest(coalesce(said.examined_count, 0), 1)) as examined_count,
        said.reason,
        said.is_blocking,
    from said
    full outer join findings
        on
            said.rule = findings.rule
            and said.game_date = findings.game_date
            and said.subject = findings.subject
)

select
    rule,
    game_date,
    subject,
    outcome,
    severity,
    examined_count,
    if(outcome = 'not_run', coalesce(reason, ''), '') as reason,
    outcome = 'not_run' and coalesce(is_blocking, true) as is_blocking,
from met
