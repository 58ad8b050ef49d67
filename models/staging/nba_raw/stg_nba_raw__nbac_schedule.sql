{{ stage('nba_raw', 'nbac_schedule', days_before=var('schedule_margin_days'), days_after=var('schedule_margin_days')) }}
