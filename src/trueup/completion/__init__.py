"""Completion documents: their store, their form, who must report, when a night is complete, and who starts phase 4."""
