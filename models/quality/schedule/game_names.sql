-- A table may name a game by the league's id, by the system's, or by the system's with the teams swapped (that is
-- DUP004's business). Two games of the same teams on one day are two games, and share the names of their teams:
-- pair_key is what they have in common, and state and is_counted are those of the one that is expected, if any is.

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
