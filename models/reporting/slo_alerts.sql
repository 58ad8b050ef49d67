with service_levels as (
    select * from {{ ref('service_levels') }}
    where state = 'alert'
)

select
    rule,
    game_date,
    metric as subject,
    'info' as severity,
    concat(
        'The service level ', replace(metric, '_', ' '), ' is at ', format('%g', round(value, 1)), ' ', unit,
        ' (alert: ', alert_when, ').'
    ) as summary,
    value as observed,
    target_value as expected,
    to_json_string(struct(
        metric as metric,
        unit as unit,
        value as value,
        target_value as target_value,
        alert_value as alert_value,
        alert_when as alert_when,
        examined_count as examined_count
    )) as detail,
    concat(
        'select * from {{ ref('service_levels') }} where rule = \'', rule,
        '\' and game_date = date \'', cast(game_date as string), '\''
    ) as query,
from service_levels
