{#-
    One row for each requested date on which the rule did not pass. A date passes if it has a current outcome that is
    passed, or not run without blocking. A date that was not built, an outcome of another run, and a rule that could not
    be checked fail with their reason. Attached to rule_outcomes, the last model, because dbt build skips every model
    after a failed test.
-#}
{% test no_findings(model, rule) %}
with outcomes as (
    select
        outcomes.*,
        {{ is_current('outcomes', 'evaluated_at') }} as is_current,
    from {{ model }} as outcomes
    where outcomes.rule = '{{ rule }}' and {{ partition_range('outcomes.game_date') }}
),

findings as (
    select *
    from {{ ref('findings') }}
    where rule = '{{ rule }}' and {{ partition_range('game_date') }}
),

judged as (
    select
        requested_date as game_date,
        findings.subject,
        findings.remedy,
        case
            when outcomes.rule is null then 'this date was not built: run dbt build or trueup check for it'
            when not outcomes.is_current
                then concat(
                    'the outcome is from another run, as of ', format_timestamp('%FT%TZ', outcomes.evaluated_at),
                    ': run dbt build or trueup check again'
                )
            when findings.severity = 'error' then findings.summary
            when outcomes.is_blocking then concat('could not check: ', outcomes.reason)
            when outcomes.outcome = 'failed' and findings.rule is null then 'the rule failed, but its findings are missing'
        end as problem,
    from unnest({{ date_array() }}) as requested_date
    left join outcomes on requested_date = outcomes.game_date
    left join findings
        on
            outcomes.game_date = findings.game_date
            and outcomes.run_id = findings.run_id
            and outcomes.evaluated_at = findings.evaluated_at
)

select *
from judged
where problem is not null
{% endtest %}
