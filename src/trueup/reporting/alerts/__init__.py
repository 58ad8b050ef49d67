"""Alerts: each new, worse or resolved finding is sent once. See docs/how-to/alerts.md."""
