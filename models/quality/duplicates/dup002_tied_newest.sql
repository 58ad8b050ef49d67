with duplicate_groups as (
    select * from {{ ref('duplicate_groups') }}
    where is_counted and is_tied
),

counted as (
    select
        table_name,
        game_date,
        count(*) as tied_count,
        max(last_written_at) as last_written_at,
        min(grain_key) as example,
    from duplicate_groups
    group by table_name, game_date
)

select
    'DUP002' as rule,
    game_date,
    table_name as subject,
    'error' as severity,
    concat(
        cast(tied_count as string), ' keys of ', table_name,
        ' have several rows that are equally new but differ.'
    ) as summary,
    cast(tied_count as float64) as observed,
    0.0 as expected,
    to_json_string(struct(
        tied_count as tied_keys, {{ moment_text('last_written_at') }} as last_written_at, example as example
    )) as detail,
    {{ rows_query('qualify count(*) over (partition by GRAIN) > 1') }} as query,
from counted
