"""Stories: findings of a date with one cause, in chains from cause to effect."""
