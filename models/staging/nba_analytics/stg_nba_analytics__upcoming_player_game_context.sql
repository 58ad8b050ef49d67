{{ stage('nba_analytics', 'upcoming_player_game_context') }}
