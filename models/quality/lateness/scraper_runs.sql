-- A run that ended and fetched data is useful from its end on. A run that failed, crashed or found no data is not
-- useful. For a successful run without a valid end time it is unknown whether it was on time.

with roster as (
    select * from {{ ref('scraper_roster') }}
),

staged as (
    select * from {{ staged('nba_orchestration', 'scraper_run_history') }}
),

runs as (
    select * from staged
    where started_at <= {{ as_of() }}
)

select
    roster.scraper_name,
    -- A run without a game date belongs to the games whose results were due on the day it started.
    coalesce(
        runs.game_date,
        date_sub(date(runs.started_at, roster.time_zone), interval roster.day_offset day)
    ) as game_date,
    runs.game_date is not null as is_dated,
    roster.requires_games,
    runs.started_at,
    -- A run without a status counts as successful if it ended.
    if(
        coalesce(runs.record_count, 1) > 0
        and coalesce(lower(runs.status), 'success') = 'success'
        and runs.completed_at between runs.started_at and {{ as_of() }},
        runs.completed_at,
        null
    ) as useful_at,
    coalesce(
        coalesce(runs.record_count, 1) > 0
        and (
            (lower(runs.status) = 'success' and runs.completed_at is null)
            or (coalesce(lower(runs.status), 'success') = 'success' and runs.completed_at < runs.started_at)
        ),
        false
    ) as is_end_unknown,
from roster
inner join runs on roster.scraper_name = runs.scraper_name
