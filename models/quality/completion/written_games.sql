-- What was written of each game. The rules that need no single row read this table instead of the fingerprints.

select
    table_name,
    game_date,
    game_id,
    is_counted,
    count(*) as row_count,
    count(distinct if(has_null_key, null, grain_key)) as grain_count,
    countif(not has_null_key) - count(distinct if(has_null_key, null, grain_key)) as excess_row_count,
    min(first_written_at) as first_written_at,
    max(written_at) as last_written_at,
from {{ ref('row_fingerprints') }}
group by table_name, game_date, game_id, is_counted
