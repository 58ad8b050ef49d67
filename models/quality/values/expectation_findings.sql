with verdicts as (
    select * from {{ ref('stg_trueup__expectation_verdicts') }}
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
    query,
from verdicts
