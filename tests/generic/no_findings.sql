{#-
    One row for each requested date on which the rule did not pass. A date passes if it has a current outcome that is
    passed, or not run without blocking. A date that was not built, an outcome of another run, and a rule that could not
    be checked fail with their reason. Attached to rule_outcomes, the last model, because dbt build skips every model
    after a failed test.
-#}
{% test no_findings(model, rule) %}
{{ rule_problems(model, ref('findings'), [rule]) }}
{% endtest %}
