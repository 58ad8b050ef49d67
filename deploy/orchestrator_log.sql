-- The orchestrator's log under the name and with the columns that SLO004 reads.
create or replace view `${SOURCE_PROJECT}.${ORCHESTRATION_DATASET}.orchestrator_log` as
select
    timestamp,
    severity,
    struct(
        resource.type as type,
        struct(
            resource.labels.service_name as function_name,
            resource.labels.project_id as project_id,
            resource.labels.location as region
        ) as labels
    ) as resource,
from `${PROJECT}.${LOG_DATASET}.run_googleapis_com_stderr`
union all
select
    timestamp,
    severity,
    struct(
        resource.type as type,
        struct(
            resource.labels.service_name as function_name,
            resource.labels.project_id as project_id,
            resource.labels.location as region
        ) as labels
    ) as resource,
from `${PROJECT}.${LOG_DATASET}.run_googleapis_com_stdout`
