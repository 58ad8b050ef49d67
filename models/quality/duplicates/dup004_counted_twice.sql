-- If a player or team has more game ids than scheduled games, one game has rows under two ids.

with named as (
    select
        fingerprints.table_name,
        fingerprints.game_date,
        fingerprints.entity,
        fingerprints.game_id,
        game_names.pair_key,
    from {{ ref('row_fingerprints') }} as fingerprints
    left join {{ ref('game_names') }} as game_names
        on
            fingerprints.game_date = game_names.game_date
            and fingerprints.game_id = game_names.game_id
    where fingerprints.entity is not null and fingerprints.game_id is not null and fingerprints.is_counted
),

pairs as (
    select
        game_date,
        pair_key,
        count(*) as game_count,
    from {{ ref('games') }}
    where is_counted
    group by game_date, pair_key
),

-- game_count: the entity's game ids per pair of teams, but at most the pair's scheduled games.
named_pairs as (
    select
        named.table_name,
        named.game_date,
        named.entity,
        min(named.game_id) as one_game_id,
        max(named.game_id) as other_game_id,
        count(distinct named.game_id) as id_count,
        least(count(distinct named.game_id), coalesce(max(pairs.game_count), 0)) as game_count,
    from named
    left join pairs
        on
            named.game_date = pairs.game_date
            and named.pair_key = pairs.pair_key
    group by named.table_name, named.game_date, named.entity, named.pair_key
),

entities as (
    select
        table_name,
        game_date,
        entity,
        min(one_game_id) as one_game_id,
        max(other_game_id) as other_game_id,
    from named_pairs
    group by table_name, game_date, entity
    having sum(id_count) > greatest(sum(game_count), 1)
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
        ' have rows under two game ids on one date, such as ', one_game_id, ' and ', other_game_id, '.'
    ) as summary,
    cast(entity_count as float64) as observed,
    0.0 as expected,
    to_json_string(struct(
        entity_count as entities, example as example, one_game_id as one_game_id, other_game_id as other_game_id
    )) as detail,
    {{ rows_query('qualify min(game_id) over (partition by ENTITY) != max(game_id) over (partition by ENTITY)') }} as query,
from counted
