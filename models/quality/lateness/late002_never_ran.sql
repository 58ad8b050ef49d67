with lateness as (
    select * from {{ ref('scraper_lateness') }}
    where state = 'missing'
)

select
    'LATE002' as rule,
    game_date,
    scraper_name as subject,
    'error' as severity,
    concat(
        scraper_name, ' has not run; it was due at ', {{ local_clock('due_at', 'time_zone') }}, ' ', time_zone, ', ',
        {{ duration('late_by_minutes') }}, ' ago; games that day: ', cast(scheduled_game_count as string), '.'
    ) as summary,
    cast(late_by_minutes as float64) as observed,
    0.0 as expected,
    {{ lateness_detail() }} as detail,
    {{ run_history_query() }} as query,
from lateness
