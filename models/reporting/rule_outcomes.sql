{%- if execute and families_off() %}
    {%- do exceptions.warn("The var families_off switches off the rules of: " ~ families_off() | join(', ') ~ ".") %}
{%- endif %}

-- One row per checked day and rule of seeds/rules.csv. A rule without a result is not_run, never passed.

with due as (
    select
        rules.rule,
        rules.family,
        game_days.game_date,
    from {{ ref('rules') }} as rules
    cross join {{ ref('game_days') }} as game_days
    -- The suites on the report run after the report is built: trueup check adds their outcomes.
    where rules.family != 'reporting'
),

results as (
    select * from {{ ref('rule_results') }}
)

{{ outcomes_of('due', 'results') }}
