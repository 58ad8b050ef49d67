with results as (
    select * from {{ ref('verdict_results') }}
),

due as (
    select distinct
        rule,
        family,
        game_date,
    from results
)

{{ outcomes_of('due', 'results') }}
