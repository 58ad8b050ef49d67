-- No row is lost or added: rows in - rows removed = rows out. Rows out are counted in the written tables.
select
    table_name,
    game_date,
    run_id,
    rows_in,
    rows_removed,
    rows_out
from {{ ref('deduplication_ledger') }}
where
    {{ partition_range('game_date') }}
    and rows_in - rows_removed != rows_out
