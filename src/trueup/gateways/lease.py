"""The lease of a dataset: one run at a time builds its tables. That of a killed run ends by itself."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

from trueup.errors import CannotCheckError, LeaseHeldError, WarehouseError
from trueup.gateways.limits import step
from trueup.gateways.refusals import CONCURRENT
from trueup.plural import counted

LEASE = "run_lease"
LEASE_COLUMNS = {"run_id": "string", "holder": "string", "since": "timestamp", "expires_at": "timestamp"}
LEASE_MINUTES = 5
_RENEW_SECONDS = 60.0
_JOIN_SECONDS = 5.0
# Only the warehouse's clock counts: those of two machines differ.
_EXPIRY = f"timestamp_add(current_timestamp(), interval {LEASE_MINUTES} minute)"


class Lease:
    """The lease of one dataset: a table with one row. ``query`` runs a statement with STRING parameters, ``rows`` reads
    the rows of the table.
    """

    def __init__(
        self,
        query: Callable[[str, Mapping[str, str]], list[dict[str, Any]]],
        rows: Callable[[], list[dict[str, Any]]],
        relation: str,
        renew_seconds: float = _RENEW_SECONDS,
    ) -> None:
        self._query = query
        self._rows = rows
        self._relation = relation
        self._renew_seconds = renew_seconds

    @contextmanager
    def held(self, run_id: str, holder: str) -> Iterator[None]:
        """Hold the lease, and renew it meanwhile. Raises LeaseHeldError if another run holds it."""
        try:
            self._take(run_id, holder)
        except KeyboardInterrupt:  # the statement that took it may have ended before its answer came
            self._give_back(run_id)
            raise
        ended = Event()
        renewing = Thread(target=self._renew_until, args=(ended, run_id), daemon=True, name="renews the lease")
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join(_JOIN_SECONDS)
            self._give_back(run_id)

    def is_held_by(self, run_id: str) -> bool:
        """Whether no other run has taken the lease since this run took it."""
        return any(row["run_id"] == run_id for row in self._rows())

    def _take(self, run_id: str, holder: str) -> None:
        mine = {"run_id": run_id, "holder": holder}
        try:
            # If several runs update the row at once, BigQuery lets one do it first, and the others no longer match.
            self._run(
                f"set run_id = @run_id, holder = @holder, since = current_timestamp(), expires_at = {_EXPIRY} "
                "where expires_at <= current_timestamp()",
                **mine,
            )
        except WarehouseError as error:
            if "expires_at" in error.message:
                raise self._damaged("it has other columns") from error
            if _says(error, "not found", "does not exist"):
                self._create(mine)
            elif not _says(error, *CONCURRENT):  # whoever was faster has it, or is giving it back
                raise
        if not self.is_held_by(run_id):
            raise self._held_by_another()

    def _give_back(self, run_id: str) -> None:
        """If it cannot be given back, it ends by itself; the run must still report its findings."""
        with suppress(CannotCheckError):
            # A renewal that comes later must not match.
            given_back = "run_id = concat('ended ', run_id), expires_at = current_timestamp()"
            self._run(f"set {given_back} where run_id = @run_id", run_id)

    def _create(self, mine: Mapping[str, str]) -> None:
        """Make the table, in the first run on a dataset. Another run may be first."""
        try:
            with step(LEASE):
                self._query(
                    f"create table {self._relation} as select @run_id as run_id, @holder as holder, "
                    f"current_timestamp() as since, {_EXPIRY} as expires_at",
                    mine,
                )
        except WarehouseError as error:
            if not _says(error, "already exists"):
                raise

    def _held_by_another(self) -> WarehouseError:
        rows = self._rows()
        if len(rows) != 1 or None in rows[0].values():
            return self._damaged(f"it has {counted(len(rows), 'row')}, and empty cells" if rows else "it is empty")
        one = rows[0]
        run = f"The run of {one['holder']} since {one['since']:%Y-%m-%d %H:%M} UTC"
        return LeaseHeldError(
            f"{run} is building these tables. If it was killed, its lease ({self._relation}) ends at "
            f"{one['expires_at']:%H:%M:%S} UTC.",
            "Run it again when that run has ended.",
            run,
        )

    def _damaged(self, what: str) -> WarehouseError:
        return WarehouseError(
            f"The lease {self._relation} cannot be used: {what}.",
            f"If no run is building these tables, run: drop table {self._relation}",
        )

    def _renew_until(self, ended: Event, run_id: str) -> None:
        while not ended.wait(self._renew_seconds):
            with suppress(CannotCheckError):  # the next one may succeed, and is_held_by tells whether it was in time
                self._run(f"set expires_at = {_EXPIRY} where run_id = @run_id", run_id)

    def _run(self, change: str, run_id: str, **more: str) -> None:
        with step(LEASE):
            self._query(f"update {self._relation} {change}", {"run_id": run_id, **more})


def _says(error: WarehouseError, *parts: str) -> bool:
    return any(part in error.message.lower() for part in parts)
