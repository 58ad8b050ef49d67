"""What every statement of the project reads, and what BigQuery would bill for it."""
