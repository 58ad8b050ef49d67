with duplicate_groups as (
    select * from {{ ref('duplicate_groups') }}
    where is_counted
),

counted as (
    select
        table_name,
        game_date,
        count(*) as group_count,
        sum(excess_count) as excess_count,
        sum(if(payload_count = 1, excess_count, 0)) as exact_copy_count,
        countif(payload_count > 1) as conflict_count,
        case
            when countif(cause = 'racing_writers') > 0 then 'racing_writers'
            when countif(cause = 'rerun') > 0 then 'rerun'
            else 'unknown'
        end as cause,
        min(first_written_at) as first_written_at,
        max(last_written_at) as last_written_at,
        min(grain_key) as example,
    from duplicate_groups
    group by table_name, game_date
)

select
    'DUP001' as rule,
    game_date,
    table_name as subject,
    'error' as severity,
    concat(
        cast(excess_count as string), ' excess rows for ', cast(group_count as string), ' keys in ', table_name, ': ',
        cast(exact_copy_count as string), ' exact copies, ',
        cast(conflict_count as string), ' keys whose rows differ; cause: ', replace(cause, '_', ' '), '.'
    ) as summary,
    cast(excess_count as float64) as observed,
    0.0 as expected,
    to_json_string(struct(
        group_count as group_count,
        excess_count as excess_rows,
        exact_copy_count as exact_copies,
        conflict_count as conflicting_group_count,
        cause as cause,
        {{ moment_text('first_written_at') }} as first_written_at,
        {{ moment_text('last_written_at') }} as last_written_at,
        example as example
    )) as detail,
    {{ rows_query('qualify count(*) over (partition by GRAIN) > 1') }} as query,
from counted
