"""The report, its page, its stories and its alerts."""
