-- The newest row of a game is valid, whatever its date: a game that was final and then moved belongs only to its new
-- date. Its older dates stay here as `moved`, because tables may still have its rows, which were right when written.

{%- set newest = 'processed_at desc nulls last, game_status desc nulls last, game_date desc, away_team_tricode, home_team_tricode' %}
with schedule as (
    select * from {{ staged('nba_raw', 'nbac_schedule') }}
),

named as (
    select
        game_date,
        game_id,
        game_status,
        processed_at,
        away_team_tricode,
        home_team_tricode,
        concat(format_date('%Y%m%d', game_date), '_', away_team_tricode, '_', home_team_tricode) as system_game_id,
        concat(format_date('%Y%m%d', game_date), '_', home_team_tricode, '_', away_team_tricode) as swapped_game_id,
        {{ counts('game_id') }} as is_counted,
        {{ is_of_known_kind('game_id') }} as is_of_known_kind,
    from schedule
),

-- A row without an id is a separate game, unless its day has a game of the same teams with an id.
identified as (
    select
        named.*,
        coalesce(game_id, concat(cast(game_date as string), ' ', coalesce(system_game_id, ''))) as identity,
    from named
    qualify
        game_id is not null
        or system_game_id is null
        or count(game_id) over (partition by game_date, system_game_id) = 0
),

dated as (
    select
        identified.*,
        max(game_status) over (partition by identity, game_date) as furthest_status,
        row_number() over (partition by identity order by {{ newest }}) = 1 as is_newest,
    from identified
    qualify row_number() over (partition by identity, game_date order by {{ newest }}) = 1
),

facts as (
    select
        dated.*,
        -- No row of the date ever showed the game as live or final.
        coalesce(
            game_status = 1
            and furthest_status = 1
            and processed_at >= {{ next_day_at('game_date', '00:00') }},
            false
        ) as is_still_scheduled,
        {{ as_of() }} >= {{ next_day_at('game_date', var('reports_due_time')) }} as are_reports_due,
        sum(if(is_newest and game_status = 3, 1, 0)) over (partition by game_date) as final_game_count,
    from dated
),

stated as (
    select
        facts.*,
        case
            when not is_newest then 'moved'
            when game_status = 3 then 'final'
            when not are_reports_due then 'open'
            -- Called off: still scheduled in a row loaded after the day, while other games of the day are final.
            when is_still_scheduled and final_game_count > 0 then 'off'
            else 'unfinished'
        end as state,
    from facts
)

select
    game_date,
    coalesce(system_game_id, game_id) as game_key,
    coalesce(least(system_game_id, swapped_game_id), game_id) as pair_key,
    game_id as schedule_game_id,
    system_game_id,
    swapped_game_id,
    game_status,
    processed_at as loaded_at,
    is_counted,
    is_of_known_kind,
    state,
    is_counted and state = 'final' as is_final,
    is_counted and state in ('final', 'open', 'unfinished') as is_expected,
    is_counted and state in ('final', 'unfinished') as is_due,
    is_counted and state = 'unfinished' as is_unfinished,
from stated
