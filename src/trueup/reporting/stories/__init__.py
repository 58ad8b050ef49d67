"""Findings of a date that have one cause, told as a chain from cause to effect."""
