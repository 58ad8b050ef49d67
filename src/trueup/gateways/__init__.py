"""The wall: the only folder that imports google, dbt or great_expectations."""
