-- One row per subject and date: how many rows and runs there are, and how many of them are not in the schedule. A table
-- and a scraper with the same name are one subject.

{%- set arrivals = 'nbac_gamebook_player_stats' %}
with game_names as (
    select * from {{ ref('game_names') }}
),

written as (
    select
        table_name,
        game_date,
        game_id,
        row_count,
    from {{ ref('written_games') }}
    where game_id is not null
    union all
    select
        '{{ arrivals }}' as table_name,
        game_date,
        game_id,
        count(*) as row_count,
    from {{ staged('nba_raw', 'nbac_gamebook_player_stats') }}
    group by game_date, game_id
),

table_facts as (
    {%- for table_name in analytics_tables() %}
    select
        '{{ table_name }}' as table_name,
        '{{ declared_source('nba_analytics', table_name).meta.get('expects_games', 'final') }}' as expects_games,
    union all
    {%- endfor %}
    select
        '{{ arrivals }}' as table_name,
        'final' as expects_games,
),

judged as (
    select
        written.table_name,
        written.game_date,
        written.game_id,
        written.row_count,
        case
            when game_names.game_id is null then true
            -- Rows on an upcoming game were right when written, even if the game was moved or called off later.
            when not game_names.is_counted or table_facts.expects_games = 'scheduled' then false
            else game_names.state in ('moved', 'off')
        end as is_unscheduled,
    from written
    inner join table_facts on written.table_name = table_facts.table_name
    left join game_names
        on
            written.game_date = game_names.game_date
            and written.game_id = game_names.game_id
),

-- A run without a date of its own is no evidence that a day had games.
runs as (
    select
        scraper_name,
        game_date,
        count(*) as run_count,
        countif(useful_at is not null and is_dated) as useful_run_count,
    from {{ ref('scraper_runs') }}
    where requires_games
    group by scraper_name, game_date
),

listed as (
    select distinct game_date
    from {{ ref('games') }}
    where state in ('final', 'open', 'unfinished')
),

united as (
    select
        table_name as subject,
        game_date,
        row_count as examined_count,
        if(is_unscheduled, row_count, 0) as row_count,
        0 as run_count,
        if(is_unscheduled, coalesce(game_id, 'a game without an id'), null) as game_id,
    from judged
    union all
    select
        runs.scraper_name as subject,
        runs.game_date,
        runs.run_count as examined_count,
        0 as row_count,
        if(listed.game_date is null, runs.useful_run_count, 0) as run_count,
        cast(null as string) as game_id,
    from runs
    left join listed on runs.game_date = listed.game_date
)

select
    subject,
    game_date,
    sum(examined_count) as examined_count,
    sum(row_count) as unscheduled_row_count,
    count(distinct game_id) as unscheduled_game_count,
    sum(run_count) as unscheduled_run_count,
    min(game_id) as example,
from united
group by subject, game_date
