with failed as (
    select * from {{ ref('current_verdicts') }}
    where outcome = 'failed' and is_current
)

{{ findings_of('failed') }}
