-- What was judged outside of SQL: completion documents, and suites of Great Expectations. An answer to another run, or
-- of another moment, is no answer of this one: is_current says which it is.

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

select united.*
from united
inner join {{ ref('rules') }} as rules on united.rule = rules.rule
where not {{ is_off('rules.family') }}
