{{ stage('trueup', 'expectation_verdicts') }}
