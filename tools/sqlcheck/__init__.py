"""Checks every SQL statement of this repository with Google's own parser and analyzer."""
