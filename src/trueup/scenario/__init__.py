"""Scenarios: folders of tables, documents and expected findings."""
