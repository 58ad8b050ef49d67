-- The view has one more UTC day, because an Eastern day ends at 04:00 or 05:00 UTC.
{{ stage('nba_orchestration', 'orchestrator_log', days_after=1) }}
