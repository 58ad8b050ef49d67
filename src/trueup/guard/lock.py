"""A lock that ends by itself: of several instances of a processor, one works on a date."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from threading import Event, Lock, Thread
from types import TracebackType

from trueup.completion.lease import LEASES, LONGEST, is_resource, lease_id, release_lease, renew_lease, take_lease
from trueup.errors import CompletionsError, LockLostError, UsageError
from trueup.gateways.firestore import Client, FirestoreCompletions
from trueup.guard.reports import date_text

_SHORTEST = timedelta(seconds=1)
_RENEWALS_PER_LEASE = 3
_JOIN_SECONDS = 10.0


class ProcessingLock:
    """The lock of a processor and a date, for ``with`` and ``async with``. One use of an instance at a time.

    ``client``: a google.cloud.firestore.Client, also in async code. ``processor``: letters, digits and ``_ . -``.
    ``data_date``: YYYY-MM-DD. ``owner``: who holds it, told to those who are refused. ``lease``: 1 s to a year; after
    this time without a renewal another one may take the lock, by the clock of Firestore; the clocks of the clients do
    not matter. It is renewed in the background, by a thread: a busy event loop does not stop it. ``on_lost``: called
    once, by that thread, when the lock is lost.

    Entering raises LockHeldError if another one holds the lock, UsageError for a wrong argument, and CompletionsError
    if Firestore refuses or does not answer. Leaving releases only one's own lock, and raises LockLostError if it was
    lost. A release that Firestore does not answer is not an error: the lease ends by itself.

    The lock cannot stop a holder that was paused after it has looked at ``token``. Its write is refused by the fence:
    pass the token to ``replace_day``.
    """

    def __init__(
        self,
        client: Client,
        processor: str,
        data_date: str | date,
        *,
        owner: str,
        lease: timedelta = timedelta(minutes=10),
        on_lost: Callable[[], object] | None = None,
    ) -> None:
        if not is_resource(processor):
            raise UsageError(f"The processor is {processor!r}.", "Pass a name of letters, digits, _, . and -.")
        if not isinstance(owner, str) or not owner.strip():
            raise UsageError(f"The owner is {owner!r}.", "Pass a name that tells who holds the lock, as of the run.")
        if not isinstance(lease, timedelta) or not _SHORTEST <= lease <= LONGEST:
            raise UsageError(f"The lease is {lease!r}.", "Pass a timedelta from one second to a year.")
        self._about = {"processor": processor, "data_date": date_text(data_date, "data_date")}
        self.resource = lease_id(processor, self._about["data_date"])
        self._leases = FirestoreCompletions.of(client, LEASES)
        self._owner, self._lease, self._on_lost = owner, lease, on_lost
        self._holder_id, self._token = "", 0
        self._sure_until = 0.0
        self._lost: LockLostError | None = None
        self._losing, self._ended = Lock(), Event()
        self._renewing: Thread | None = None

    @property
    def token(self) -> int:
        """An integer, greater than those of all earlier holders. Raises LockLostError if the lock is lost."""
        self.check()
        return self._token

    def check(self) -> None:
        """Raise LockLostError if the lock is lost, or if its lease may be over because no renewal was answered."""
        if self._lost is None and time.monotonic() >= self._sure_until:
            over = f"The lock of {self.resource} is lost: its lease is over, and no renewal was answered."
            self._lose(LockLostError(over, "Write nothing more. Start again with a new lock."))
        if self._lost is not None:
            raise LockLostError(self._lost.message, self._lost.hint)

    def acquire(self) -> ProcessingLock:
        """Take the lock, and renew it until ``release``. ``with`` calls both."""
        if self._renewing is not None:
            raise UsageError(f"This lock of {self.resource} is in use.", "Make a lock of its own for each use.")
        # Of this use alone: a second run of the same owner must wait, too.
        self._holder_id, self._lost = uuid.uuid4().hex, None
        self._ended.clear()
        # Before the request: so our time is over before the store's is.
        began = time.monotonic()
        self._token = take_lease(self._leases, self.resource, self._holder_id, self._owner, self._lease, self._about)
        self._sure_until = began + self._lease.total_seconds()
        self._renewing = Thread(target=self._renew, daemon=True, name=f"renews the lock of {self.resource}")
        self._renewing.start()
        return self

    def release(self) -> None:
        """Give the lock back. Raises LockLostError if it was lost."""
        if self._renewing is None:
            return
        self._ended.set()
        self._renewing.join(_JOIN_SECONDS)
        self._renewing = None
        with suppress(CompletionsError):
            try:
                release_lease(self._leases, self.resource, self._holder_id)
            except LockLostError as error:
                self._lose(error)
        if self._lost is not None:
            raise self._lost

    def _renew(self) -> None:
        seconds = self._lease.total_seconds()
        while not self._ended.wait(seconds / _RENEWALS_PER_LEASE):
            began = time.monotonic()
            try:
                renew_lease(self._leases, self.resource, self._holder_id)
            except LockLostError as error:
                return self._lose(error)
            except CompletionsError:
                if time.monotonic() >= self._sure_until:
                    with suppress(LockLostError):
                        self.check()
                    return None
                continue  # the next one may be answered in time
            self._sure_until = began + seconds
        return None

    def _lose(self, error: LockLostError) -> None:
        with self._losing:
            is_first, self._lost = self._lost is None, self._lost or error
        if is_first and self._on_lost is not None:
            self._on_lost()

    def __enter__(self) -> ProcessingLock:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.release()
        except LockLostError:
            # The error that ends the block says more, and may come of the lost lock.
            if error is None:
                raise

    async def __aenter__(self) -> ProcessingLock:
        acquiring = asyncio.ensure_future(asyncio.to_thread(self.acquire))
        try:
            return await asyncio.shield(acquiring)
        except asyncio.CancelledError:
            # The thread goes on: what it takes must be given back.
            with suppress(Exception):
                await acquiring
                await asyncio.to_thread(self.release)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(asyncio.to_thread(self.__exit__, kind, error, trace))
