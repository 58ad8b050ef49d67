-- One of the orchestrator's logs, with the columns that SLO004 reads. deploy/apply.sh makes the view of those there are.
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
from `${PROJECT}.${LOG_DATASET}.${LOG}`
