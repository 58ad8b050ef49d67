{{ stage('nba_precompute', 'player_daily_cache') }}
