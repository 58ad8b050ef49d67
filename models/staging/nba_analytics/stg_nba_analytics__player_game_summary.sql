{{ stage('nba_analytics', 'player_game_summary') }}
