{#- Findings of any rule that are warnings. -#}
{% test no_warnings(model) %}
select
    rule,
    game_date,
    subject,
    summary,
    remedy
from {{ model }}
where
    severity = 'warn'
    and {{ partition_range('game_date') }}
{% endtest %}
