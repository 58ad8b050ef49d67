{{
    config(
        materialized='incremental',
        on_schema_change='append_new_columns',
        incremental_strategy='merge',
        unique_key=['rule', 'game_date'],
        full_refresh=false,
        partition_by={'field': 'game_date', 'data_type': 'date'},
    )
}}

-- One row per metric and date on which it was measured, as the last run measured it. A run that could not measure a
-- date again leaves what an earlier one saw; evaluated_at says when. No run can measure the old days again, so that
-- --full-refresh has no effect here.

select
    rule,
    metric,
    game_date,
    unit,
    target_value,
    value,
    examined_count,
    state,
    run_id,
    evaluated_at,
from {{ ref('service_levels') }}
where state != 'not_run'
