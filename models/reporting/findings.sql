{{ config(alias='findings') }}

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
    'judged_findings',
    'slo_alerts',
] %}
with found as (
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

rules as (
    select * from {{ ref('rules') }}
),

-- A waiver says which finding, why, and until when. It turns a finding into information; it does not hide it.
waivers as (
    select
        rule,
        subject,
        game_date,
        min(reason) as reason,
        max(until) as until,
    from {{ ref('known_exceptions') }}
    where until >= date({{ as_of() }}, '{{ var('platform_time_zone') }}')
    group by rule, subject, game_date
)

select
    to_hex(sha256(concat(found.rule, '|', found.subject, '|', cast(found.game_date as string)))) as fingerprint,
    found.rule,
    rules.family,
    found.game_date,
    found.subject,
    if(waivers.rule is null, found.severity, 'info') as severity,
    found.summary,
    found.observed,
    found.expected,
    found.detail,
    replace(replace(rules.remedy, '{subject}', found.subject), '{game_date}', cast(found.game_date as string)) as remedy,
    found.query,
    waivers.reason as waived_because,
    waivers.until as waived_until,
    {{ run_stamp() }}
from found
left join rules on found.rule = rules.rule
left join waivers
    on
        found.rule = waivers.rule
        and found.subject = waivers.subject
        and found.game_date = waivers.game_date
