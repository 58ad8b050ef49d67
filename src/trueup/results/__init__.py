"""What a run finds: rules, verdicts, findings, outcomes, and the report that holds them."""
