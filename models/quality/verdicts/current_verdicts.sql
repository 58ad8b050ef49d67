-- Verdicts judged outside SQL: on completion documents, and by suites of Great Expectations. is_current marks the
-- verdicts of this run; this run ignores all others.

{%- set facts = declared_source('trueup', 'completion_verdicts') %}
with judged as (
    select
        verdicts.*,
        concat(
            'select * from {{ facts.relation_name }} where game_date = date \'', cast(verdicts.game_date as string),
            '\' and rule = \'', verdicts.rule, '\''
        ) as query,
    from {{ ref('stg_trueup__completion_verdicts') }} as verdicts
),

validated as (
    select * from {{ ref('stg_trueup__expectation_verdicts') }}
),

united as (
    {%- for source in ['judged', 'validated'] %}
    select
        rule,
        game_date,
        subject,
        outcome,
        severity,
        summary,
        observed,
        expected,
        detail,
        query,
        examined_count,
        reason,
        is_blocking,
        judged_at,
        {{ is_current(source, 'judged_at') }} as is_current,
    from {{ source }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

-- A passed verdict that examined nothing becomes not_run.
select
    united.* replace ( -- noqa: AM04
        if(united.outcome = 'passed' and united.examined_count = 0, 'not_run', united.outcome) as outcome,
        if(united.outcome = 'passed' and united.examined_count = 0, 'nothing was examined', united.reason) as reason,
        united.is_blocking or (united.outcome = 'passed' and united.examined_count = 0) as is_blocking
    ),
from united
inner join {{ ref('rules') }} as rules on united.rule = rules.rule
where not {{ is_off('rules.family') }}
