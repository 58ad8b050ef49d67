{%- set rule_models = [
    'dup001_duplicate_rows',
    'dup002_tied_newest',
    'dup003_null_keys',
    'dup004_counted_twice',
    'dup005_poorer_newest',
    'late001_late_run',
    'late002_never_ran',
    'late003_no_useful_run',
    'late004_games_not_arrived',
    'sched001_stale_schedule',
    'sched002_unscheduled',
    'slo_alerts',
] %}
with failed as (
    {%- for model in rule_models %}
    select
        rule,
        game_date,
        subject,
        severity,
        summary,
        observed,
        expected,
        detail,
        query,
    from {{ ref(model) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- The suites on the report run after the report is built: trueup check adds their findings.
judged as (
    select * from {{ ref('verdict_findings') }}
    where family != 'reporting'
)

{{ findings_of('failed') }}
union all
select * from judged -- noqa: AM04
