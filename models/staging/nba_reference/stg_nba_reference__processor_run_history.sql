{{ stage('nba_reference', 'processor_run_history') }}
