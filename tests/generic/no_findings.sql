{#-
    Findings of one rule that are errors: what dbt test alone says of it. Attached to rule_outcomes, the last
    model, for a test that fails keeps dbt build from building what comes after the model it stands on.
-#}
{% test no_findings(model, rule) %}
select
    findings.game_date,
    findings.subject,
    findings.summary,
    findings.remedy
from {{ model }} as outcomes
inner join {{ ref('findings') }} as findings
    on
        outcomes.rule = findings.rule
        and outcomes.game_date = findings.game_date
where
    outcomes.rule = '{{ rule }}'
    and findings.severity = 'error'
    and {{ partition_range('outcomes.game_date') }}
{% endtest %}
