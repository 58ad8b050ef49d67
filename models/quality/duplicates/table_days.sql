-- How many rows each analytics table has of each checked day, or why they could not be counted. What says something
-- about duplicates reads this table, so that no part is taken for the whole.

with game_days as (
    select * from {{ ref('game_days') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
    where source_name = 'nba_analytics'
),

counts as (
    select
        table_name,
        game_date,
        sum(row_count) as row_count,
        sum(excess_row_count) as excess_row_count,
    from {{ ref('written_games') }}
    where is_counted
    group by table_name, game_date
)

select
    coverage.table_name,
    game_days.game_date,
    coalesce(counts.row_count, 0) as row_count,
    coalesce(counts.excess_row_count, 0) as excess_row_count,
    case
        when not coverage.is_present then concat('table ', coverage.relation_name, ' is missing')
        when counts.row_count > 0 then ''
        when not game_days.is_schedule_known then concat('no rows that day, and ', game_days.schedule_problem)
        when game_days.scheduled_game_count = 0 then 'no games that day'
        else 'no rows that day'
    end as reason,
    not coverage.is_present
    or (coalesce(counts.row_count, 0) = 0 and not game_days.is_schedule_known) as is_blocking,
from game_days
cross join coverage
left join counts
    on
        coverage.table_name = counts.table_name
        and game_days.game_date = counts.game_date
