{{ stage('nba_orchestration', 'orchestrator_log') }}
