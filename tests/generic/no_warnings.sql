{#- Findings that are warnings, of any rule. Attached to rule_outcomes for the same reason as no_findings. -#}
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
