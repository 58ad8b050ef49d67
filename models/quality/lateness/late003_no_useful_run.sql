with lateness as (
    select * from {{ ref('scraper_lateness') }}
    where state = 'failed'
)

select
    'LATE003' as rule,
    game_date,
    scraper_name as subject,
    'error' as severity,
    concat(
        'All ', cast(run_count as string), ' runs of ', scraper_name, ' failed or fetched no data; it was due at ',
        {{ local_clock('due_at', 'time_zone') }}, ' ', time_zone, '.'
    ) as summary,
    cast(late_by_minutes as float64) as observed,
    0.0 as expected,
    {{ lateness_detail() }} as detail,
    {{ run_history_query() }} as query,
from lateness
