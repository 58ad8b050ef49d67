"""Repairs the completion documents: plan, apply, audit."""
