"""The report with its page, stories and alerts."""
