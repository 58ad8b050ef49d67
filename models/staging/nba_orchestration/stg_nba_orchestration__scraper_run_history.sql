-- A late run can belong to a game date up to a week before it.
{{ stage('nba_orchestration', 'scraper_run_history', days_before=1, days_after=7) }}
