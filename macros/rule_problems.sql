{#- One row for each finding, or reason, because of which a rule did not pass on a requested date: see no_findings. -#}
{% macro rule_problems(rule_outcomes, findings, rules) -%}
with outcomes as (
    select
        outcomes.*,
        {{ is_current('outcomes', 'evaluated_at') }} as is_current,
    from {{ rule_outcomes }} as outcomes
    where outcomes.rule in ('{{ rules | join("', '") }}') and {{ partition_range('outcomes.game_date') }}
),

findings as (
    select *
    from {{ findings }}
    where rule in ('{{ rules | join("', '") }}') and {{ partition_range('game_date') }}
),

judged as (
    select
        requested_rule as rule,
        requested_date as game_date,
        findings.subject,
        findings.remedy,
        findings.query,
        case
            when outcomes.rule is null then 'this date was not built: run dbt build or trueup check for it'
            when not outcomes.is_current
                then concat(
                    'the outcome is as of ', format_timestamp('%FT%TZ', outcomes.evaluated_at),
                    ', too old or of another time than this run: run dbt build or trueup check again, or set the var as_of'
                )
            when findings.severity = 'error' then findings.summary
            when outcomes.is_blocking then concat('could not check: ', outcomes.reason)
            when outcomes.outcome = 'failed' and findings.rule is null then 'the rule failed, but its findings are missing'
        end as problem,
    from unnest(['{{ rules | join("', '") }}']) as requested_rule
    cross join unnest({{ date_array() }}) as requested_date
    left join outcomes on requested_rule = outcomes.rule and requested_date = outcomes.game_date
    left join findings
        on
            outcomes.rule = findings.rule
            and outcomes.game_date = findings.game_date
            and outcomes.run_id = findings.run_id
            and outcomes.evaluated_at = findings.evaluated_at
)

select *
from judged
where problem is not null
{%- endmacro %}
