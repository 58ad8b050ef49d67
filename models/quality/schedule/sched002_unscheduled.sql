{%- set gamebook = declared_source('nba_raw', 'nbac_gamebook_player_stats') %}
with unscheduled as (
    select
        unscheduled.*,
        game_days.listed_game_count,
        -- The column names that the query macros expect.
        unscheduled.subject as table_name,
        unscheduled.subject as scraper_name,
    from {{ ref('unscheduled') }} as unscheduled
    inner join {{ ref('game_days') }} as game_days on unscheduled.game_date = game_days.game_date
    where
        game_days.is_covered
        and (unscheduled.unscheduled_row_count > 0 or unscheduled.unscheduled_run_count > 0)
)

select
    'SCHED002' as rule,
    game_date,
    subject,
    'error' as severity,
    if(
        unscheduled_row_count > 0,
        concat(
            subject, ' has ', cast(unscheduled_row_count as string), ' rows of ',
            cast(unscheduled_game_count as string), ' games that are not in the schedule that day, such as ',
            example, '.'
        ),
        concat(
            cast(unscheduled_run_count as string), ' runs of ', subject,
            ' fetched data for this date, but the schedule has no games that day.'
        )
    ) as summary,
    cast(if(unscheduled_row_count > 0, unscheduled_row_count, unscheduled_run_count) as float64) as observed,
    0.0 as expected,
    to_json_string(struct(
        unscheduled_row_count as unscheduled_rows,
        unscheduled_game_count as unscheduled_games,
        unscheduled_run_count as unscheduled_runs,
        examined_count as examined_count,
        listed_game_count as listed_games,
        example as example
    )) as detail,
    case
        when unscheduled_row_count = 0 then {{ run_history_query() }}
        when subject = 'nbac_gamebook_player_stats' then concat(
            'select game_id, count(*) as row_count from {{ gamebook.relation_name }} where game_date = date \'',
            cast(game_date as string), '\' group by game_id'
        )
        else {{ rows_query('order by game_id') }}
    end as query,
from unscheduled
