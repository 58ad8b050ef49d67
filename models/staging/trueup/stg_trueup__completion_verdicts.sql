{{ stage('trueup', 'completion_verdicts') }}
