-- A game can have one row per data source, and the sources lag behind each other: the furthest status is
-- the true one, for a game never goes back from final to scheduled.

with schedule as (
    select * from {{ ref('stg_nba_raw__nbac_schedule') }}
),

named as (
    select
        game_date,
        game_id,
        game_status,
        processed_at,
        concat(format_date('%Y%m%d', game_date), '_', away_team_tricode, '_', home_team_tricode) as system_game_id,
        concat(format_date('%Y%m%d', game_date), '_', home_team_tricode, '_', away_team_tricode) as swapped_game_id,
    from schedule
),

games as (
    select
        game_date,
        coalesce(system_game_id, game_id) as game_key,
        min(game_id) as schedule_game_id,
        min(swapped_game_id) as swapped_game_id,
        max(game_status) as game_status,
        max(processed_at) as loaded_at,
    from named
    group by game_date, coalesce(system_game_id, game_id)
)

select
    game_date,
    game_key,
    schedule_game_id,
    swapped_game_id,
    game_status,
    loaded_at,
    coalesce(game_status = 3, false) as is_final,
    -- Still scheduled in a row that was loaded after the day ended: postponed. In an older row: not known
    -- to be, and taken as played.
    not coalesce(
        game_status = 1
        and loaded_at >= timestamp(datetime(date_add(game_date, interval 1 day), time(0, 0, 0)), 'America/New_York'),
        false
    ) as is_expected,
from games
