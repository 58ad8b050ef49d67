{{ stage('nba_raw', 'nbac_schedule') }}
