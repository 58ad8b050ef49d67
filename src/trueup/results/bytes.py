"""The bytes of queries, as BigQuery counts them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bytes:
    """The bytes of queries: read (``processed``), and charged on demand (``billed``: at least 10 MB for each table)."""

    processed: int = 0
    billed: int = 0

    def __add__(self, other: Bytes) -> Bytes:
        return Bytes(self.processed + other.processed, self.billed + other.billed)

    def __sub__(self, other: Bytes) -> Bytes:
        return Bytes(self.processed - other.processed, self.billed - other.billed)

    def if_measured(self, is_measured: bool) -> tuple[int | None, int | None]:
        """Processed and billed; None, not 0, if bytes are not measured (embedded warehouse)."""
        return (self.processed, self.billed) if is_measured else (None, None)


NO_BYTES = Bytes()
