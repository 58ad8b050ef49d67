{{ stage('nba_orchestration', 'scraper_run_history') }}
