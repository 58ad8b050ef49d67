"""``trueup pulse``: what has become wrong in the last minutes, with the SQL and the judge of ``trueup check``."""
