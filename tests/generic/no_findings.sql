{#-
    What dbt test alone says of one rule: a row for each requested date on which it did not pass. It passes where the
    date has an outcome of a run that examined it now, and that outcome is passed or harmlessly not run; a date that
    was never built, an answer of another day, or something that could not be seen fails with its reason. Attached to
    rule_outcomes, the last model, for a test that fails keeps dbt build from building what comes after.
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
            when outcomes.rule is null then 'this date was not built: run dbt build, or trueup check, for it'
            when not outcomes.is_current
                then concat(
                    'the outcome is of another run, as of ', format_timestamp('%FT%TZ', outcomes.evaluated_at),
                    ': run dbt build, or trueup check, again'
                )
            when findings.severity = 'error' then findings.summary
            when outcomes.is_blocking then concat('could not be examined: ', outcomes.reason)
            when outcomes.outcome = 'failed' and findings.rule is null then 'the rule failed, and its findings are gone'
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
