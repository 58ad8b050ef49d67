"""Making the completion documents agree with the rows: plan, apply, audit."""
