-- One row per date: how many games had arrived in the gamebook table by the alert time. A game arrives with the first
-- write of its first row, so a later rewrite of the table does not change its arrival time. If the first batch is on
-- time, LATE001 cannot see a late second one; the rows show it.

{%- set due_date = 'date_add(game_days.game_date, interval roster.day_offset day)' %}

with game_days as (
    select * from {{ ref('game_days') }}
),

due_games as (
    select
        game_date,
        schedule_game_id,
        pair_key,
    from {{ ref('games') }}
    where is_due
),

game_names as (
    select * from {{ ref('game_names') }}
),

gamebooks as (
    select
        game_date,
        game_id,
        min({{ first_written(declared_source('nba_raw', 'nbac_gamebook_player_stats')) }}) as arrived_at,
    from {{ staged('nba_raw', 'nbac_gamebook_player_stats') }}
    group by game_date, game_id
),

-- The aggregate always returns one row. If the scraper is missing in the roster, the alert time is NULL.
roster as (
    select
        max(alert_time) as alert_time,
        max(time_zone) as time_zone,
        max(day_offset) as day_offset,
    from {{ ref('scraper_roster') }}
    where scraper_name = 'nbac_gamebook_player_stats'
),

alerts as (
    select
        game_days.game_date,
        game_days.is_schedule_known,
        game_days.schedule_problem,
        {{ local_moment(due_date, 'roster.alert_time', 'roster.time_zone') }} as alert_at,
    from game_days
    cross join roster
),

coverage as (
    select * from {{ ref('source_coverage') }}
    where table_name = 'nbac_gamebook_player_stats'
),

-- Each arrived name proves one game: two games of the same teams share the names built from their teams.
arrived as (
    select
        game_names.game_date,
        game_names.pair_key,
        gamebooks.arrived_at,
        row_number() over (
            partition by game_names.game_date, game_names.pair_key
            order by gamebooks.arrived_at nulls last, gamebooks.game_id
        ) as place,
    from gamebooks
    inner join game_names
        on
            gamebooks.game_date = game_names.game_date
            and gamebooks.game_id = game_names.game_id
    where game_names.is_expected
),

expected as (
    select
        game_date,
        pair_key,
        row_number() over (partition by game_date, pair_key order by schedule_game_id) as place,
    from due_games
),

arrivals as (
    select
        expected.game_date,
        expected.pair_key,
        arrived.arrived_at,
        arrived.place is not null and arrived.arrived_at is null as is_undated,
    from expected
    left join arrived
        on
            expected.game_date = arrived.game_date
            and expected.pair_key = arrived.pair_key
            and expected.place = arrived.place
)

select
    alerts.game_date,
    alerts.alert_at,
    alerts.is_schedule_known,
    alerts.schedule_problem,
    coverage.is_present as is_source_present,
    count(arrivals.pair_key) as due_game_count,
    countif(arrivals.arrived_at <= alerts.alert_at) as arrived_game_count,
    countif(arrivals.arrived_at <= {{ as_of() }}) as arrived_so_far_count,
    max(if(arrivals.arrived_at <= {{ as_of() }}, arrivals.arrived_at, null)) as last_arrived_at,
    -- Games whose rows have no write time: their arrival is unknown.
    countif(arrivals.is_undated) as undated_game_count,
    coalesce({{ as_of() }} >= alerts.alert_at, false) as is_alert_time_over,
from alerts
cross join coverage
left join arrivals on alerts.game_date = arrivals.game_date
group by
    alerts.game_date, alerts.alert_at, alerts.is_schedule_known, alerts.schedule_problem, coverage.is_present
