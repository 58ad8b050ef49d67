-- Every rule that is judged outside SQL needs a verdict of this run for each day. A missing verdict blocks.

with verdicts as (
    select * from {{ ref('current_verdicts') }}
    where is_current
),

rules as (
    select * from {{ ref('rules') }}
),

game_days as (
    select * from {{ ref('game_days') }}
),

required as (
    select
        rules.rule,
        rules.family,
        game_days.game_date,
    from rules
    cross join game_days
    where
        rules.family in ('completion', 'trigger', 'expectations', 'reporting')
        -- SCHED002 also covers documents on days without scheduled games.
        or (rules.rule = 'SCHED002' and not {{ is_off("'completion'") }})
)

select
    required.rule,
    required.family,
    required.game_date,
    coalesce(verdicts.subject, cast(required.game_date as string)) as subject,
    coalesce(verdicts.outcome, 'not_run') as outcome,
    coalesce(verdicts.examined_count, 0) as examined_count,
    case
        when {{ is_off('required.family') }}
            then concat('the family ', required.family, ' is switched off by the var families_off')
        when verdicts.rule is not null then coalesce(verdicts.reason, '')
        when required.family in ('expectations', 'reporting') then 'no current verdict for this date: run trueup check for it'
        else 'no current verdict for this date: run trueup reconcile for it'
    end as reason,
    not {{ is_off('required.family') }} and coalesce(verdicts.is_blocking, true) as is_blocking,
from required
left join verdicts
    on
        required.rule = verdicts.rule
        and required.game_date = verdicts.game_date
