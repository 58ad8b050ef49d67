-- The values of one team in one game from three tables, side by side, for the suite team_box_scores. NULL means unknown
-- and is not examined: the table has no row of the game (see DONE009), the game is not final yet, or a player on court
-- has no value.
{%- set tables = {
    'players': 'player_game_summary_latest',
    'offense': 'team_offense_game_summary_latest',
    'defense': 'team_defense_game_summary_latest',
} %}
{%- set summed = ['points', 'fg_makes', 'three_pt_makes', 'ft_makes'] %}

with players as (
    select
        game_date,
        game_id,
        team_abbr,
        count(*) as player_count,
        if(
            countif(minutes_played is not null) > 0,
            countif(coalesce(is_active, true) and minutes_played > 0),
            null
        ) as active_player_count,
        sum(minutes_played) as minutes,
        {%- for column in summed %}
        if(countif({{ column }} is null and minutes_played > 0) = 0, sum({{ column }}), null) as {{ column }},
        {%- endfor %}
    from {{ ref(tables.players) }}
    where
        {{ partition_range('game_date') }}
        and game_id is not null
        and team_abbr is not null
    group by game_date, game_id, team_abbr
),

offense as (
    select
        game_date,
        game_id,
        team_abbr,
        points_scored,
        fg_makes,
        three_pt_makes,
        ft_makes,
        overtime_periods,
    from {{ ref(tables.offense) }}
    where
        {{ partition_range('game_date') }}
        and game_id is not null
        and team_abbr is not null
),

-- The opponent's defense row: what the opponent allowed this team.
defense as (
    select
        game_date,
        game_id,
        opponent_team_abbr as team_abbr,
        max(points_allowed) as points_allowed,
        max(overtime_periods) as overtime_periods,
    from {{ ref(tables.defense) }}
    where
        {{ partition_range('game_date') }}
        and game_id is not null
        and opponent_team_abbr is not null
    group by game_date, game_id, opponent_team_abbr
),

teams as (
    {%- for table in tables %}
    select
        game_date,
        game_id,
        team_abbr,
    from {{ table }}
    {%- if not loop.last %}
    union distinct
    {%- endif %}
    {%- endfor %}
),

-- Two games of the same teams on one day share a key, which is final when both games are.
games as (
    select
        game_date,
        game_key,
        logical_and(is_final) as is_final,
    from {{ ref('games') }}
    where state != 'moved'
    group by game_date, game_key
),

compared as (
    select
        teams.game_date,
        teams.game_id,
        teams.team_abbr,
        games.is_final,
        players.player_count,
        players.active_player_count,
        players.minutes,
        {%- for table in tables %}
        nullif(
            count({{ table }}.team_abbr) over (partition by teams.game_date, teams.game_id), 0
        ) as {{ table }}_team_count,
        {%- endfor %}
        -- If no table has the number of overtimes, it is computed from the minutes: 25 for each overtime.
        coalesce(
            offense.overtime_periods,
            defense.overtime_periods,
            cast(greatest(round((players.minutes - 240) / 25), 0) as int64)
        ) as overtime_periods,
        {%- for column in summed %}
        offense.{{ 'points_scored' if column == 'points' else column }} - players.{{ column }} as {{ column }}_gap,
        {%- endfor %}
        defense.points_allowed - offense.points_scored as points_allowed_gap,
    from teams
    {%- for table in tables %}
    left join {{ table }}
        on
            teams.game_date = {{ table }}.game_date
            and teams.game_id = {{ table }}.game_id
            and teams.team_abbr = {{ table }}.team_abbr
    {%- endfor %}
    left join games
        on
            teams.game_date = games.game_date
            and teams.game_id = games.game_key
)

select
    game_date,
    game_id,
    team_abbr,
    if(coalesce(is_final, true), offense_team_count, null) as offense_team_count,
    if(coalesce(is_final, true), defense_team_count, null) as defense_team_count,
    if(coalesce(is_final, true), players_team_count, null) as player_team_count,
    -- The expected number of rows is known only for games in the schedule.
    if(is_final, player_count, null) as player_count,
    if(is_final, active_player_count, null) as active_player_count,
    if(coalesce(is_final, true), 240 + 25 * overtime_periods - minutes, null) as player_minutes_short,
    points_gap,
    fg_makes_gap,
    three_pt_makes_gap,
    ft_makes_gap,
    points_allowed_gap,
from compared
