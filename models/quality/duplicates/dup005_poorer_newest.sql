with duplicate_groups as (
    select * from {{ ref('duplicate_groups') }}
    where is_counted and is_newest_poorer
),

counted as (
    select
        table_name,
        game_date,
        count(*) as poorer_count,
        max(newest_null_count - fewest_null_count) as most_lost_count,
        min(grain_key) as example,
    from duplicate_groups
    group by table_name, game_date
)

select
    'DUP005' as rule,
    game_date,
    table_name as subject,
    'warn' as severity,
    concat(
        cast(poorer_count as string), ' keys of ', table_name,
        ' have a newest row with more NULL measures than an older row, up to ', cast(most_lost_count as string), ' more.'
    ) as summary,
    cast(poorer_count as float64) as observed,
    0.0 as expected,
    to_json_string(struct(poorer_count as poorer_keys, most_lost_count as most_measures_lost, example as example)) as detail,
    {{ rows_query('qualify count(*) over (partition by GRAIN) > 1') }} as query,
from counted
