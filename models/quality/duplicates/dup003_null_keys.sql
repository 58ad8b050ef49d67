with fingerprints as (
    select * from {{ ref('row_fingerprints') }}
    where has_null_key
),

counted as (
    select
        table_name,
        game_date,
        count(*) as null_key_count,
        min(grain_key) as example,
    from fingerprints
    group by table_name, game_date
)

select
    'DUP003' as rule,
    game_date,
    table_name as subject,
    'error' as severity,
    concat(cast(null_key_count as string), ' rows of ', table_name, ' have a NULL in their key.') as summary,
    cast(null_key_count as float64) as observed,
    0.0 as expected,
    to_json_string(struct(null_key_count as null_key_rows, example as example)) as detail,
    {{ rows_query('and (GRAIN_IS_NULL)') }} as query,
from counted
