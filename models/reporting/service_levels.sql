-- The five service levels: one row per metric and date. What is known to be wrong counts. What is right counts only if
-- all was seen: a part of the day is not measured.

{%- set accuracy_rules = "('DONE001', 'DONE002', 'DONE003', 'DONE004', 'DONE007', 'DONE008')" %}

with levels as (
    select * from {{ ref('service_level_targets') }}
),

game_days as (
    select * from {{ ref('game_days') }}
),

-- A verdict that is missing blocks, too.
unjudged as (
    select distinct game_date
    from {{ ref('verdict_results') }}
    where is_blocking and rule in {{ accuracy_rules }}
),

accuracy as (
    select
        verdicts.game_date,
        case
            when countif(verdicts.outcome = 'failed' and verdicts.severity in ('error', 'warn')) > 0 then 0.0
            when countif(unjudged.game_date is not null) > 0 then null
            when countif(verdicts.outcome = 'passed') > 0 then 100.0
        end as value,
        countif(verdicts.outcome != 'not_run') as examined_count,
    from {{ ref('current_verdicts') }} as verdicts
    left join unjudged on verdicts.game_date = unjudged.game_date
    where verdicts.is_current and verdicts.rule in {{ accuracy_rules }}
    group by verdicts.game_date
),

on_time as (
    select
        game_date,
        if(
            countif(state in ('late', 'missing', 'failed')) = 0 and countif(state in ('pending', 'unknown')) > 0,
            null,
            100 * safe_divide(countif(state = 'on_time'), countif(state not in ('pending', 'unknown')))
        ) as value,
        countif(state not in ('pending', 'unknown')) as examined_count,
        -- Alert: some scraper had no useful run by the alert time.
        countif(is_past_alert or state in ('missing', 'failed')) > 0 as is_alert,
    from {{ ref('scraper_lateness') }}
    where state != 'not_expected'
    group by game_date
),

duplicates as (
    select
        game_date,
        -- The embedded warehouse makes NUMERIC of a sum of INT64, and a division by it keeps fewer digits.
        if(
            sum(excess_row_count) = 0 and countif(is_blocking) > 0,
            null,
            100 * safe_divide(cast(sum(excess_row_count) as float64), cast(sum(row_count) as float64))
        ) as value,
        sum(row_count) as examined_count,
    from {{ ref('table_days') }}
    group by game_date
),

errors as (
    select
        date(`timestamp`, '{{ var('platform_time_zone') }}') as game_date,
        100 * safe_divide(countif(severity in ('ERROR', 'CRITICAL', 'ALERT', 'EMERGENCY')), count(*)) as value,
        count(*) as examined_count,
    from {{ staged('nba_orchestration', 'orchestrator_log') }}
    group by date(`timestamp`, '{{ var('platform_time_zone') }}')
),

delays as (
    select
        game_date,
        max(observed) as value,
        count(*) as examined_count,
    from {{ ref('current_verdicts') }}
    where is_current and rule = 'TRIG002' and outcome != 'not_run'
    group by game_date
),

measured as (
    select
        'SLO001' as rule,
        game_date,
        value,
        examined_count,
        cast(null as bool) as is_alert,
    from accuracy
    union all
    select
        'SLO002' as rule,
        game_date,
        value,
        examined_count,
        is_alert,
    from on_time
    union all
    select
        'SLO003' as rule,
        game_date,
        value,
        examined_count,
        cast(null as bool) as is_alert,
    from duplicates
    union all
    select
        'SLO004' as rule,
        game_date,
        value,
        examined_count,
        cast(null as bool) as is_alert,
    from errors
    union all
    select
        'SLO005' as rule,
        game_date,
        value,
        examined_count,
        cast(null as bool) as is_alert,
    from delays
),

compared as (
    select
        levels.rule,
        levels.metric,
        game_days.game_date,
        levels.unit,
        levels.target_value,
        levels.alert_value,
        levels.alert_when,
        measured.value,
        if(measured.value is null, 0, measured.examined_count) as examined_count,
        case levels.direction
            when 'at_least' then measured.value >= levels.target_value
            when 'above' then measured.value > levels.target_value
            when 'at_most' then measured.value <= levels.target_value
            when 'below' then measured.value < levels.target_value
        end as is_met,
        coalesce(
            measured.is_alert,
            if(
                levels.direction in ('at_least', 'above'),
                measured.value < levels.alert_value,
                measured.value > levels.alert_value
            ),
            false
        ) as is_alert,
    from levels
    cross join game_days
    left join measured
        on
            levels.rule = measured.rule
            and game_days.game_date = measured.game_date
)

select
    rule,
    metric,
    game_date,
    unit,
    target_value,
    alert_value,
    alert_when,
    value,
    examined_count,
    case
        when value is null then 'not_run'
        when is_alert then 'alert'
        when is_met then 'met'
        else 'missed'
    end as state,
    {{ run_stamp() }}
from compared
