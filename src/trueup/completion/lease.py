"""A lease of a resource: one owner at a time, by the clock of the store. Each owner gets a greater token."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from trueup.completion.store import SERVER_TIME, CompletionStore, Snapshot
from trueup.errors import CompletionsError, ConflictError, LockHeldError, LockLostError

# One document per processor and date. It is never deleted, and only released: so the token grows.
LEASES = "processing_leases"
_ATTEMPTS = 8
LONGEST = timedelta(days=365)
# The largest integer of Firestore: no greater token could follow it.
_GREATEST = 2**63 - 1
# No store's clock is so wrong. A lock that was renewed later than this would be held for ever.
_FARTHEST_AHEAD = timedelta(days=1)
_EPOCH = datetime.fromtimestamp(0, UTC)
_RESOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Lease:
    """A document of a lease. ``holder_id``: of one holding; ``owner``: told to people. ``token``: greater than that of
    all earlier holdings. ``renewed_at`` and ``read_at``: by the store's clock.
    """

    holder_id: str
    owner: str
    token: int
    is_held: bool
    length: timedelta
    renewed_at: datetime
    read_at: datetime

    @property
    def ends_at(self) -> datetime:
        """When it is over unless it is renewed."""
        return self.renewed_at + self.length

    @property
    def is_current(self) -> bool:
        """Whether it is held and its time is not over."""
        return self.is_held and self.read_at < self.ends_at


def lease_id(processor: str, data_date: date | str) -> str:
    """The id of the document of a processor and a date."""
    return f"{processor}_{data_date}"


def is_resource(text: object) -> bool:
    """Whether a text can name a resource, which is the id of a document."""
    return isinstance(text, str) and _RESOURCE.fullmatch(text) is not None


def take_lease(
    leases: CompletionStore, resource: str, holder_id: str, owner: str, length: timedelta, about: Mapping[str, Any]
) -> int:
    """Take the lease if nobody has it, or its time is over by the store's clock: its token. ``about``: more fields.

    Raises LockHeldError if another holder has it, and CompletionsError.
    """
    for _ in range(_ATTEMPTS):
        snapshot = _found_or_new(leases, resource)
        lease = read_lease(snapshot)
        if lease.holder_id == holder_id and lease.is_held:
            return lease.token  # our write arrived, and its reply was lost
        if lease.is_current:
            wait = (lease.ends_at - lease.read_at).total_seconds()
            raise LockHeldError(
                f"{lease.owner} holds the lock of {resource}.",
                f"Try again later. If the holder was killed, its lease ends in {wait:.0f} s.",
            )
        # If someone deleted the document, the store's clock still is later than all earlier tokens.
        token = max(lease.token + 1, (snapshot.update_time - _EPOCH) // timedelta(microseconds=1))
        held = {
            **about,
            "holder_id": holder_id,
            "owner": owner,
            "token": token,
            "is_held": True,
            "lease_seconds": length.total_seconds(),
            "renewed_at": SERVER_TIME,
        }
        try:
            leases.update(resource, held, snapshot.update_time)
        except ConflictError:
            continue  # another one took it, or our reply was lost: read who has it
        return token
    raise LockHeldError(f"Others took and gave back the lock of {resource} {_ATTEMPTS} times.", "Try again later.")


def renew_lease(leases: CompletionStore, resource: str, holder_id: str) -> None:
    """Let the lease begin anew. Raises LockLostError if the holder no longer has it, and CompletionsError."""
    for _ in range(_ATTEMPTS):
        snapshot = _held(leases, resource, holder_id)
        try:
            leases.update(resource, {"renewed_at": SERVER_TIME}, snapshot.update_time)
        except ConflictError:
            continue
        return
    raise ConflictError(f"The lock of {resource} changed {_ATTEMPTS} times while it was renewed.")


def release_lease(leases: CompletionStore, resource: str, holder_id: str) -> None:
    """Give the lease back: the holder's own, and no other. Raises LockLostError if the holder no longer has it."""
    for _ in range(_ATTEMPTS):
        snapshot = leases.read([resource]).get(resource)
        if snapshot is not None and snapshot.fields.get("holder_id") == holder_id:
            if snapshot.fields.get("is_held") is False:
                return
            try:
                leases.update(resource, {"is_held": False}, snapshot.update_time)
            except ConflictError:
                continue
            return
        raise _lost(resource, snapshot)


def read_lease(snapshot: Snapshot) -> Lease:
    """A stored lease. Raises CompletionsError for a document of another shape, or with values that no lock writes."""
    fields, renewed_at = snapshot.fields, snapshot.fields.get("renewed_at")
    holder_id, owner, token = fields.get("holder_id"), fields.get("owner"), fields.get("token")
    is_held, seconds = fields.get("is_held"), fields.get("lease_seconds")
    if (
        isinstance(holder_id, str)
        and isinstance(owner, str)
        and isinstance(token, int)
        and not isinstance(token, bool)
        and 0 <= token < _GREATEST
        and isinstance(is_held, bool)
        and isinstance(seconds, int | float)
        and not isinstance(seconds, bool)
        and 0 <= seconds <= LONGEST.total_seconds()
        and isinstance(renewed_at, datetime)
        and renewed_at.utcoffset() is not None
        and renewed_at - snapshot.read_time <= _FARTHEST_AHEAD
    ):
        return Lease(holder_id, owner, token, is_held, timedelta(seconds=seconds), renewed_at, snapshot.read_time)
    raise CompletionsError(
        f"{LEASES}/{snapshot.document_id} is not the document of a lock: {str(dict(fields))[:200]}.",
        "Find out who wrote it, then delete it.",
    )


def _found_or_new(leases: CompletionStore, resource: str) -> Snapshot:
    snapshot = leases.read([resource]).get(resource)
    if snapshot is not None:
        return snapshot
    free = {"holder_id": "", "owner": "", "token": 0, "is_held": False, "lease_seconds": 0.0, "renewed_at": SERVER_TIME}
    with suppress(ConflictError):  # another one created it
        leases.create(resource, free)
    return leases.read([resource])[resource]


def _held(leases: CompletionStore, resource: str, holder_id: str) -> Snapshot:
    snapshot = leases.read([resource]).get(resource)
    if snapshot is None or snapshot.fields.get("holder_id") != holder_id or snapshot.fields.get("is_held") is not True:
        raise _lost(resource, snapshot)
    return snapshot


def _lost(resource: str, snapshot: Snapshot | None) -> LockLostError:
    by = "its document was deleted" if snapshot is None else f"{snapshot.fields.get('owner')} has it"
    return LockLostError(f"The lock of {resource} is lost: {by}.", "Write nothing more. Start again with a new lock.")
