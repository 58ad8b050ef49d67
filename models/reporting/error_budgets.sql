-- How much of its error budget each service level has burned in the 7 and the 28 days up to the last checked one: the
-- share of the measured days that missed the target, of the share that may.

with levels as (
    select
        rule,
        metric,
    from {{ ref('service_level_targets') }}
),

periods as (
    select period_days
    from unnest([7, 28]) as period_days
),

measured as (
    select
        rule,
        game_date,
        state,
    from {{ ref('service_level_history') }}
    where {{ partition_range('game_date', days_before=27) }}
),

counted as (
    select
        levels.rule,
        levels.metric,
        periods.period_days,
        count(measured.rule) as measured_count,
        countif(measured.state in ('missed', 'alert')) as missed_count,
    from levels
    cross join periods
    left join measured
        on
            levels.rule = measured.rule
            and date_diff(date '{{ check_window().last_date }}', measured.game_date, day) < periods.period_days
    group by levels.rule, levels.metric, periods.period_days
)

select
    rule,
    metric,
    date '{{ check_window().last_date }}' as game_date,
    period_days,
    cast({{ var('service_level_objective') }} as float64) as objective_percent,
    measured_count,
    missed_count,
    -- Of measured days: a day that could not be measured neither burns nor adds to the budget.
    safe_divide(10000 * missed_count, measured_count * (100 - {{ var('service_level_objective') }})) as burn_percent,
    {{ run_stamp() }}
from counted
