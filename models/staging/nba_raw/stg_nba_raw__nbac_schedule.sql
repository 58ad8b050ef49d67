-- A game's newest row can lie months away from its older ones: it was moved there.
{{ stage('nba_raw', 'nbac_schedule', days_before=var('schedule_reach_days'), days_after=var('schedule_reach_days')) }}
