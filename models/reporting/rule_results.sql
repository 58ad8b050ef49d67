-- What each rule said of each subject, or why it said nothing. is_blocking marks what should have been
-- examined and could not be: it keeps the day from being called healthy.

with findings as (
    select
        rule,
        game_date,
        subject,
        severity,
    from {{ ref('findings') }}
),

game_days as (
    select * from {{ ref('game_days') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
),

row_counts as (
    select
        table_name,
        game_date,
        count(*) as row_count,
    from {{ ref('row_fingerprints') }}
    group by table_name, game_date
),

duplicate_rules as (
    select
        rules.rule,
        game_days.game_date,
        coverage.table_name as subject,
        coalesce(row_counts.row_count, 0) as examined_count,
        case
            when not coverage.is_present then concat('the table ', coverage.relation_name, ' is not there')
            when row_counts.row_count is not null then ''
            when not game_days.is_schedule_known then 'no rows, and the schedule does not cover the date'
            when game_days.scheduled_game_count = 0 then 'no games that day'
            else 'no rows that day'
        end as reason,
        not coverage.is_present
        or (row_counts.row_count is null and not game_days.is_schedule_known) as is_blocking,
    from {{ ref('rules') }} as rules
    cross join game_days
    inner join coverage
        on
            rules.family = 'duplicates'
            and coverage.source_name = 'nba_analytics'
    left join row_counts
        on
            coverage.table_name = row_counts.table_name
            and game_days.game_date = row_counts.game_date
),

lateness_rules as (
    select
        rules.rule,
        lateness.game_date,
        lateness.scraper_name as subject,
        if(lateness.state in ('on_time', 'late', 'missing', 'failed'), 1, 0) as examined_count,
        case lateness.state
            when 'unknown' then lateness.reason
            when 'not_expected' then 'no games that day'
            when 'pending' then 'not due yet'
            else ''
        end as reason,
        lateness.state = 'unknown' as is_blocking,
    from {{ ref('rules') }} as rules
    inner join {{ ref('scraper_lateness') }} as lateness
        on rules.rule in ('LATE001', 'LATE002', 'LATE003')
),

arrival_rule as (
    select
        'LATE004' as rule,
        game_date,
        'nbac_gamebook_player_stats' as subject,
        if(is_source_present and is_schedule_known and is_alert_time_over, final_game_count, 0) as examined_count,
        case
            when not is_source_present then 'the table nbac_gamebook_player_stats is not there'
            when alert_at is null then 'nbac_gamebook_player_stats has no alert time in the scraper roster'
            when not is_schedule_known then 'the schedule does not cover the date'
            when not is_alert_time_over then 'not due yet'
            when final_game_count = 0 then 'no final games that day'
            else ''
        end as reason,
        not is_source_present or not is_schedule_known as is_blocking,
    from {{ ref('game_arrivals') }}
),

verdicts as (
    {%- for judged in ['completion', 'expectation'] %}
    select
        rule,
        game_date,
        subject,
        examined_count,
        reason,
        is_blocking,
    from {{ ref('stg_trueup__' ~ judged ~ '_verdicts') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

judged_rules as (
    select
        rules.rule,
        game_days.game_date,
        coalesce(verdicts.subject, cast(game_days.game_date as string)) as subject,
        coalesce(verdicts.examined_count, 0) as examined_count,
        case
            when verdicts.rule is not null then coalesce(verdicts.reason, '')
            when rules.family = 'expectations' then 'trueup check has not run the expectations of the date'
            else 'trueup reconcile has not judged the date'
        end as reason,
        coalesce(verdicts.is_blocking, true) as is_blocking,
    from {{ ref('rules') }} as rules
    cross join game_days
    left join verdicts
        on
            rules.rule = verdicts.rule
            and game_days.game_date = verdicts.game_date
    where rules.family in ('completion', 'trigger', 'expectations')
),

level_rules as (
    select
        rule,
        game_date,
        metric as subject,
        examined_count,
        if(state = 'not_run', 'nothing to measure', '') as reason,
        false as is_blocking,
    from {{ ref('service_levels') }}
),

examined as (
    select * from duplicate_rules
    union all
    select * from lateness_rules
    union all
    select * from arrival_rule
    union all
    select * from judged_rules
    union all
    select * from level_rules
)

select
    examined.rule,
    examined.game_date,
    examined.subject,
    case
        when findings.rule is not null then 'failed'
        when examined.examined_count > 0 then 'passed'
        else 'not_run'
    end as outcome,
    findings.severity,
    examined.examined_count,
    if(findings.rule is null and examined.examined_count = 0, examined.reason, '') as reason,
    findings.rule is null and examined.examined_count = 0 and examined.is_blocking as is_blocking,
from examined
left join findings
    on
        examined.rule = findings.rule
        and examined.game_date = findings.game_date
        and examined.subject = findings.subject
