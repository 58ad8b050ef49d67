-- Nobody plays two games on one day: two game ids mean one game under two names.

with fingerprints as (
    select * from {{ ref('row_fingerprints') }}
    where entity is not null
),

entities as (
    select
        table_name,
        game_date,
        entity,
        min(game_id) as one_game_id,
        max(game_id) as other_game_id,
    from fingerprints
    group by table_name, game_date, entity
    having count(distinct game_id) > 1
),

counted as (
    select
        table_name,
        game_date,
        count(*) as entity_count,
        min(entity) as example,
        min(one_game_id) as one_game_id,
        max(other_game_id) as other_game_id,
    from entities
    group by table_name, game_date
)

select
    'DUP004' as rule,
    game_date,
    table_name as subject,
    'error' as severity,
    concat(
        cast(entity_count as string), ' players or teams of ', table_name,
        ' stand under two game ids on one day, such as ', one_game_id, ' and ', other_game_id, '.'
    ) as summary,
    cast(entity_count as float64) as observed,
    0.0 as expected,
    to_json_string(struct(
        entity_count as entities, example as example, one_game_id as one_game_id, other_game_id as other_game_id
    )) as detail,
    {{ rows_query('qualify min(game_id) over (partition by ENTITY) != max(game_id) over (partition by ENTITY)') }} as query,
from counted
