{{ stage('nba_analytics', 'upcoming_team_game_context') }}
