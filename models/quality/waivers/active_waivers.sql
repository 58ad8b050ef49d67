-- The macro findings_of applies these waivers.

select
    rule,
    subject,
    game_date,
    min(reason) as reason,
    max(until) as until,
from {{ ref('known_exceptions') }}
where
    -- A waiver needs a reason.
    trim(reason) != ''
    and until >= date({{ as_of() }}, '{{ var('platform_time_zone') }}')
group by rule, subject, game_date
