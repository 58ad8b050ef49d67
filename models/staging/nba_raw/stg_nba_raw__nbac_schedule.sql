-- A game can be moved by months, so its newest row can be far from its older ones.
{{ stage('nba_raw', 'nbac_schedule', days_before=var('schedule_reach_days'), days_after=var('schedule_reach_days')) }}
