"""Judges completion documents against the rows. Pure functions."""
