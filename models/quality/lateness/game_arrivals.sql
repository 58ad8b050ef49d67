-- One row per date: how many of its final games had arrived in the gamebook table by the alert time.
-- A first batch that is on time hides a late second one from the runs; not from the rows.

with game_days as (
    select * from {{ ref('game_days') }}
),

final_games as (
    select * from {{ ref('games') }}
    where is_final
),

gamebooks as (
    select
        game_date,
        game_id,
        min(processed_at) as arrived_at,
    from {{ ref('stg_nba_raw__nbac_gamebook_player_stats') }}
    group by game_date, game_id
),

-- One row also where the roster does not name the scraper: there is no alert time then.
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
        {{ local_moment('date_add(game_days.game_date, interval roster.day_offset day)', 'roster.alert_time', 'roster.time_zone') }} as alert_at,
    from game_days
    cross join roster
),

coverage as (
    select * from {{ ref('source_coverage') }}
    where table_name = 'nbac_gamebook_player_stats'
),

arrivals as (
    select
        final_games.game_date,
        final_games.game_key,
        min(gamebooks.arrived_at) as arrived_at,
    from final_games
    left join gamebooks
        on
            final_games.game_date = gamebooks.game_date
            and gamebooks.game_id
            in (final_games.game_key, final_games.schedule_game_id, final_games.swapped_game_id)
    group by final_games.game_date, final_games.game_key
)

select
    alerts.game_date,
    alerts.alert_at,
    alerts.is_schedule_known,
    coverage.is_present as is_source_present,
    count(arrivals.game_key) as final_game_count,
    countif(arrivals.arrived_at <= alerts.alert_at) as arrived_game_count,
    countif(arrivals.arrived_at <= {{ as_of() }}) as arrived_so_far_count,
    max(if(arrivals.arrived_at <= {{ as_of() }}, arrivals.arrived_at, null)) as last_arrived_at,
    coalesce({{ as_of() }} >= alerts.alert_at, false) as is_alert_time_over,
from alerts
cross join coverage
left join arrivals on alerts.game_date = arrivals.game_date
group by alerts.game_date, alerts.alert_at, alerts.is_schedule_known, coverage.is_present
