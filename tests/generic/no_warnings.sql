{#- Findings of any rule that are warnings; attached to rule_outcomes for the reason that no_findings gives. -#}
{% test no_warnings(model) %}
select
    findings.rule,
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
    findings.severity = 'warn'
    and {{ partition_range('outcomes.game_date') }}
{% endtest %}
