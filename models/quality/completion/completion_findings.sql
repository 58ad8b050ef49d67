{%- set facts = declared_source('trueup', 'completion_verdicts') %}
with verdicts as (
    select * from {{ ref('stg_trueup__completion_verdicts') }}
    where outcome = 'failed'
)

select
    rule,
    game_date,
    subject,
    severity,
    summary,
    observed,
    expected,
    detail,
    concat(
        'select * from {{ facts.relation_name }} where game_date = date \'', cast(game_date as string),
        '\' and rule = \'', rule, '\''
    ) as query,
from verdicts
