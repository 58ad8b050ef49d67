-- Rows with a NULL partition value have no date, so they are reported on the last checked day.

with keyless as (
    select
        table_name,
        game_date,
        count(*) as null_key_count,
        min(grain_key) as example,
    from {{ ref('row_fingerprints') }}
    where has_null_key and is_counted
    group by table_name, game_date
),

undated as (
    select
        table_name,
        date '{{ check_window().last_date }}' as game_date,
        row_count,
        relation_name,
        partition_column,
    from {{ ref('stg_undated_rows') }}
    where row_count > 0
),

counted as (
    select
        coalesce(keyless.table_name, undated.table_name) as table_name,
        coalesce(keyless.game_date, undated.game_date) as game_date,
        coalesce(keyless.null_key_count, 0) as null_key_count,
        coalesce(undated.row_count, 0) as undated_count,
        keyless.example,
        undated.relation_name,
        undated.partition_column,
    from keyless
    full outer join undated
        on
            keyless.table_name = undated.table_name
            and keyless.game_date = undated.game_date
)

select
    'DUP003' as rule,
    game_date,
    table_name as subject,
    'error' as severity,
    concat(
        cast(null_key_count + undated_count as string), ' rows of ', table_name, ' have a NULL in a key or date column',
        if(undated_count > 0, concat('; ', cast(undated_count as string), ' of them have no date'), ''), '.'
    ) as summary,
    cast(null_key_count + undated_count as float64) as observed,
    0.0 as expected,
    to_json_string(struct(
        null_key_count as null_key_rows, undated_count as undated_rows, example as example
    )) as detail,
    if(
        null_key_count > 0,
        {{ rows_query('and (GRAIN_IS_NULL)') }},
        concat('select * from `', relation_name, '` where ', partition_column, ' is null')
    ) as query,
from counted
