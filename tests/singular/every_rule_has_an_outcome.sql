-- Each rule has exactly one outcome on each checked day.
with due as (
    select
        rules.rule,
        game_date,
    from {{ ref('rules') }} as rules
    cross join unnest({{ date_array() }}) as game_date
    where rules.family != 'reporting'
)

select
    due.rule,
    due.game_date,
    count(outcomes.rule) as outcome_count
from due
left join {{ ref('rule_outcomes') }} as outcomes
    on
        due.rule = outcomes.rule
        and due.game_date = outcomes.game_date
group by due.rule, due.game_date
having count(outcomes.rule) != 1
