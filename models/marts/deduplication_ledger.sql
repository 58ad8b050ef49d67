{{
    config(
        incremental_strategy='merge',
        unique_key=['table_name', 'game_date', 'input_checksum', 'survivor_checksum'],
        merge_update_columns=[
            'rows_in', 'rows_removed', 'rows_out', 'group_count', 'tie_count', 'conflict_count', 'null_key_rows',
        ],
        partition_by={'field': 'game_date', 'data_type': 'date'},
        pre_hook="{% if is_incremental() %}{{ forget_contradictions(this) }}{% endif %}",
    )
}}

-- One row per state of a table and date. The first run that sees the state writes it; later runs change nothing: the
-- merge then sets columns to the values that they have, unless two runs at once had mixed their tables. rows_out and survivor_checksum are read from the written tables,
-- so that the conservation test can fail.

with arrived as (
    select
        table_name,
        game_date,
        count(*) as rows_in,
        countif(has_null_key) as null_key_rows,
        {{ rows_checksum('row_hash') }} as input_checksum,
    from {{ ref('row_fingerprints') }}
    where {{ partition_range('game_date') }}
    group by table_name, game_date
),

duplicates as (
    select
        table_name,
        game_date,
        count(*) as group_count,
        sum(excess_count) as rows_removed,
        countif(is_tied) as tie_count,
        countif(payload_count > 1) as conflict_count,
    from {{ ref('duplicate_groups') }}
    where {{ partition_range('game_date') }}
    group by table_name, game_date
),

survivors as (
    {%- for table_name in analytics_tables() %}
    select
        '{{ table_name }}' as table_name,
        latest.game_date,
        {{ row_hash('latest', declared_source('nba_analytics', table_name).columns) }} as row_hash,
    from {{ ref(table_name ~ '_latest') }} as latest
    where {{ partition_range('latest.game_date') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

kept as (
    select
        table_name,
        game_date,
        count(*) as rows_out,
        {{ rows_checksum('row_hash') }} as survivor_checksum,
    from survivors
    group by table_name, game_date
)

select
    arrived.table_name,
    arrived.game_date,
    '{{ invocation_id }}' as run_id,
    timestamp '{{ run_started_at.strftime('%Y-%m-%d %H:%M:%S') }}+00:00' as run_at,
    arrived.rows_in,
    coalesce(duplicates.rows_removed, 0) as rows_removed,
    coalesce(kept.rows_out, 0) as rows_out,
    coalesce(duplicates.group_count, 0) as group_count,
    coalesce(duplicates.tie_count, 0) as tie_count,
    coalesce(duplicates.conflict_count, 0) as conflict_count,
    arrived.null_key_rows,
    arrived.input_checksum,
    coalesce(kept.survivor_checksum, '') as survivor_checksum,
from arrived
left join duplicates
    on
        arrived.table_name = duplicates.table_name
        and arrived.game_date = duplicates.game_date
left join kept
    on
        arrived.table_name = kept.table_name
        and arrived.game_date = kept.game_date
