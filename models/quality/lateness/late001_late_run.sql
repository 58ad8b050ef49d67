with lateness as (
    select * from {{ ref('scraper_lateness') }}
    where state = 'late'
)

select
    'LATE001' as rule,
    game_date,
    scraper_name as subject,
    if(is_past_alert, 'error', 'warn') as severity,
    concat(
        scraper_name, ' first fetched data at ', {{ local_clock('first_useful_run_at', 'time_zone') }}, ' ', time_zone, ', ',
        cast(late_by_minutes as string), ' minutes past due.'
    ) as summary,
    cast(late_by_minutes as float64) as observed,
    0.0 as expected,
    {{ lateness_detail() }} as detail,
    {{ run_history_query() }} as query,
from lateness
