-- The names that tables use for a game: the league's id, the system's id, or the system's id with swapped teams (see
-- DUP004). Two games of the same teams on one day share their pair_key and the names built from their teams. If one of
-- the games is expected, the name gets the state and is_counted of that game.

with games as (
    select * from {{ ref('games') }}
),

names as (
    {%- for name in ['schedule_game_id', 'system_game_id', 'swapped_game_id'] %}
    select
        game_date,
        {{ name }} as game_id,
        pair_key,
        state,
        is_counted,
        is_expected,
    from games
    where {{ name }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    game_date,
    game_id,
    pair_key,
    state,
    is_counted,
    is_expected,
from names
qualify
    row_number() over (
        partition by game_date, game_id
        order by is_expected desc, is_counted desc, state = 'moved' asc, pair_key asc, state asc
    ) = 1
