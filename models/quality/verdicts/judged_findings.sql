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
from {{ ref('current_verdicts') }}
where outcome = 'failed' and is_current
