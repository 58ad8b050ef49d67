"""Counts the bytes of a client's queries, of each thread and of all threads."""

from threading import Lock, local

from trueup.results.bytes import Bytes


class Meter:
    """Counts the bytes of the queries of one client."""

    def __init__(self) -> None:
        self._thread = local()
        self._lock = Lock()
        self._total = Bytes()

    def add(self, one: Bytes) -> None:
        """Count one query of this thread."""
        self._thread.bytes = self.of_thread + one
        with self._lock:
            self._total += one

    @property
    def of_thread(self) -> Bytes:
        """The sum of this thread's queries."""
        found: Bytes = getattr(self._thread, "bytes", Bytes())
        return found

    @property
    def total(self) -> Bytes:
        """The sum of all threads' queries."""
        return self._total
