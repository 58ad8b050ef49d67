"""Repair of completion documents: plan, apply, audit."""
