with game_days as (
    select * from {{ ref('game_days') }}
),

coverage as (
    select * from {{ ref('source_coverage') }}
    where table_name = 'player_daily_cache'
),

cache as (
    select
        cache_date,
        count(*) as row_count,
        min({{ first_written(declared_source('nba_precompute', 'player_daily_cache')) }}) as first_written_at,
        max(processed_at) as last_written_at,
    from {{ staged('nba_precompute', 'player_daily_cache') }}
    group by cache_date
)

select
    game_days.game_date,
    coverage.is_present as is_source_present,
    coalesce(cache.row_count, 0) as row_count,
    cache.first_written_at,
    cache.last_written_at,
    {{ run_stamp() }}
from game_days
cross join coverage
left join cache on game_days.game_date = cache.cache_date
