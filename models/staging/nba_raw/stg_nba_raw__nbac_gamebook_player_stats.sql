{{ stage('nba_raw', 'nbac_gamebook_player_stats') }}
