{#- Findings of one rule that are errors: what dbt test alone says of it. -#}
{% test no_findings(model, rule) %}
select
    game_date,
    subject,
    summary,
    remedy
from {{ model }}
where
    rule = '{{ rule }}'
    and severity = 'error'
    and {{ partition_range('game_date') }}
{% endtest %}
