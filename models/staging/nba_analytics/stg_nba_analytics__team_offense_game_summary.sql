{{ stage('nba_analytics', 'team_offense_game_summary') }}
