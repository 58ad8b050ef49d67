"""The only package that imports google, dbt or great_expectations."""
