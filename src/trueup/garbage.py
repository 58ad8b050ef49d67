"""How often Python looks for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Objects made before it looks again. dbt's manifest and the embedded warehouse's syntax trees are millions of small
# objects; at Python's own 700 a quarter of a check is spent looking at them. This many are about 150 MB.
_BEFORE_COLLECTION = 1_000_000


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for garbage rarely for as long as this lasts, and not at all when the process ends after it."""
    gc.set_threshold(_BEFORE_COLLECTION, 2, 3)
    try:
        yield
    finally:
        gc.freeze()
