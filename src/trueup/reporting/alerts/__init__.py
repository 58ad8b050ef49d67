"""Alerts that close themselves: what is new, worse or resolved, told once. See docs/alerts.md."""
