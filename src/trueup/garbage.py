"""Fewer runs of Python's garbage collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# dbt's manifest and the embedded warehouse's syntax trees are millions of small objects. With Python's default of 700
# new objects per collection, a check spends a quarter of its time collecting. A million objects are about 150 MB.
_BEFORE_COLLECTION = 1_000_000


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Collect garbage rarely in this context, and not at all when the process exits after it."""
    gc.set_threshold(_BEFORE_COLLECTION, 2, 3)
    try:
        yield
    finally:
        gc.freeze()
