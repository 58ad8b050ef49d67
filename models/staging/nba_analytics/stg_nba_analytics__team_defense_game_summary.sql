{{ stage('nba_analytics', 'team_defense_game_summary') }}
