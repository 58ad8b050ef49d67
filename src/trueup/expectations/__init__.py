"""What a basketball statistician expects of the tables, as suites of Great Expectations."""
