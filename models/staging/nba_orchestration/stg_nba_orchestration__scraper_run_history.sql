-- A run belongs to a game date up to a week before it: due the next morning, and late.
{{ stage('nba_orchestration', 'scraper_run_history', days_before=1, days_after=7) }}
