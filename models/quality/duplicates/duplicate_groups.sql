-- Only rows of keys with several rows. A row with a NULL in the key is alone: DUP003 reports it.

with fingerprints as (
    select * from {{ ref('row_fingerprints') }}
    where key_row_count > 1
),

ranked as (
    select
        fingerprints.*,
        row_number() over (
            partition by table_name, game_date, grain_key
            order by {{ newest_first('written_at', 'row_hash') }}
        ) as newness,
        -- rank() treats NULLs as equal: rows without a timestamp tie.
        rank() over (
            partition by table_name, game_date, grain_key
            order by written_at desc nulls last
        ) as written_rank,
    from fingerprints
),

grouped as (
    select
        table_name,
        game_date,
        grain_key,
        count(*) as row_count,
        count(*) - 1 as excess_count,
        count(distinct payload_hash) as payload_count,
        count(distinct if(written_rank = 1, payload_hash, null)) as newest_payload_count,
        max(if(newness = 1, null_measure_count, null)) as newest_null_count,
        min(if(newness > 1, null_measure_count, null)) as fewest_null_count,
        min(written_at) as first_written_at,
        max(written_at) as last_written_at,
        countif(written_at is null) as undated_count,
        logical_and(is_counted) as is_counted,
    from ranked
    group by table_name, game_date, grain_key
)

select
    table_name,
    game_date,
    grain_key,
    row_count,
    excess_count,
    payload_count,
    first_written_at,
    last_written_at,
    newest_payload_count > 1 as is_tied,
    newest_null_count > fewest_null_count as is_newest_poorer,
    newest_null_count,
    fewest_null_count,
    is_counted,
    case
        when undated_count > 0 or first_written_at = last_written_at then 'unknown'
        when
            unix_seconds(last_written_at) - unix_seconds(first_written_at)
            <= {{ var('racing_writers_minutes') }} * 60
            then 'racing_writers'
        else 'rerun'
    end as cause,
from grouped
