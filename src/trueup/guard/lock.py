"""A lock that ends by itself: of several instances of a processor, one works on a date."""

from __future__ import annotations

import asyncio
import contextvars
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from threading import Event, Lock, Thread, current_thread
from types import TracebackType
from typing import Any, TypeVar

from trueup.completion.document import processor_name
from trueup.completion.lease import LEASES, LONGEST, is_resource, lease_id, release_lease, renew_lease, take_lease
from trueup.completion.store import CompletionStore
from trueup.errors import CompletionsError, LockHeldError, LockLostError, UsageError
from trueup.gateways.firestore import Client, FirestoreCompletions
from trueup.guard.reports import date_text, is_text

_T = TypeVar("_T")
_SHORTEST = timedelta(seconds=1)
_RENEWALS_PER_LEASE = 3
_JOIN_SECONDS = 10.0


class ProcessingLock:
    """The lock of a processor and a date, for ``with`` and ``async with``. One use of an instance at a time.

    ``client``: a google.cloud.firestore.Client, also in async code. ``processor``: letters, digits and ``_ . -``;
    ``PlayerGameSummaryProcessor`` is ``player_game_summary``, as in reports. ``data_date``: YYYY-MM-DD. ``owner``: who
    holds it, told to those who are refused. ``lease``: 1 s to a year; after this time without a renewal another one may
    take the lock, by the clock of Firestore; the clocks of the clients do not matter. It is renewed in the background,
    by a thread: a busy event loop does not stop it. ``on_lost``: called once when the lock is lost, in the thread that
    notices it: the one that renews, or that of a call of ``token``, ``check`` or ``release``. It may call ``release``;
    its own errors are ignored.

    Entering raises LockHeldError if another one holds the lock, UsageError for a wrong argument, and CompletionsError
    if Firestore refuses or does not answer. Leaving releases only one's own lock, and raises LockLostError if it was
    lost. A release that Firestore does not answer is not an error: the lease ends by itself. A task that is cancelled
    while it enters or leaves ends when the lock is given back.

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
        if not is_text(owner) or not owner.strip():
            raise UsageError(f"The owner is {owner!r}.", "Pass a name that tells who holds the lock, as of the run.")
        if not isinstance(lease, timedelta) or not _SHORTEST <= lease <= LONGEST:
            raise UsageError(f"The lease is {lease!r}.", "Pass a timedelta from one second to a year.")
        # As in reports: whoever names the processor by its class must not get a lock of his own.
        name, day = processor_name(processor), date_text(data_date, "data_date")
        self._about = {"processor": name, "data_date": day}
        self.resource = lease_id(name, day)
        self._leases = FirestoreCompletions.of(client, LEASES)
        self._owner, self._lease, self._on_lost = owner, lease, on_lost
        self._reserving = Lock()
        # The use that has reserved this instance, and the one that a block has entered.
        self._holding: _Holding | None = None
        self._entered: _Holding | None = None

    @property
    def token(self) -> int:
        """An integer, greater than those of all earlier holders. Raises as ``check``."""
        holding = self._held()
        holding.check()
        return holding.token

    def check(self) -> None:
        """Raise LockLostError if the lock is lost, or if its lease may be over because no renewal was answered.

        Raises UsageError if it is not acquired, or already released.
        """
        self._held().check()

    def acquire(self) -> ProcessingLock:
        """Take the lock, and renew it until ``release``. ``with`` calls both."""
        self._take()
        return self

    def release(self) -> None:
        """Give the lock back. Raises LockLostError if it was lost."""
        holding = self._holding
        if holding is not None and holding.is_held:
            self._end(holding)

    def _held(self) -> _Holding:
        holding = self._holding
        if holding is not None and holding.is_held:
            return holding
        if self._entered is not None:
            # Released by on_lost: the block must hear of the loss.
            self._entered.raise_if_lost()
        raise UsageError(f"The lock of {self.resource} is not held.", "Use it inside with: with ProcessingLock(…).")

    def _take(self) -> _Holding:
        holding = _Holding(self._leases, self.resource, self._lease, self._on_lost)
        # Before the request, which takes long enough for a second thread to come by.
        with self._reserving:
            if self._holding is not None:
                raise UsageError(f"This lock of {self.resource} is in use.", "Make a lock of its own for each use.")
            self._holding = holding
        try:
            holding.begin(self._owner, self._about)
        except BaseException:
            self._holding = None
            raise
        return holding

    def _take_unless(self, given_up: Event) -> _Holding:
        """Take it for a task. If the task has given up, nobody else would give it back: its loop may have ended."""
        holding = self._take()
        if given_up.is_set():
            self._end(holding)
        return holding

    def _end(self, holding: _Holding) -> None:
        try:
            holding.end()
        finally:
            with self._reserving:
                if self._holding is holding:
                    self._holding = None

    def __enter__(self) -> ProcessingLock:
        self._entered = self._take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        entered, self._entered = self._entered, None
        try:
            self.release()
            if entered is not None:
                entered.raise_if_lost()
        except LockLostError:
            # The error that ends the block says more, and may come of the lost lock.
            if error is None:
                raise

    async def __aenter__(self) -> ProcessingLock:
        given_up = Event()
        taking = _started(self._take_unless, given_up)
        try:
            holding = await _finished(taking, given_up.set)
        except asyncio.CancelledError:
            if not taking.cancelled() and taking.exception() is None:
                # The thread may have ended before it could see that the task gave up.
                with suppress(LockLostError):
                    await _finished(_started(self._end, taking.result()))
            raise
        self._entered = holding
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _finished(_started(self.__exit__, kind, error, trace))


class _Holding:
    """One use of a lock, with all that its thread looks at: a thread that still waits for Firestore when its use is
    over must not speak for the next one.
    """

    def __init__(
        self, leases: CompletionStore, resource: str, length: timedelta, on_lost: Callable[[], object] | None
    ) -> None:
        self._leases, self._resource, self._length, self._on_lost = leases, resource, length, on_lost
        # Of this use alone: a second run of the same owner must wait, too.
        self._holder_id = uuid.uuid4().hex
        self.token, self.is_held = 0, False
        self._sure_until = 0.0
        self._lost: LockLostError | None = None
        self._changing, self._ended = Lock(), Event()
        self._renewing = Thread(target=self._renew, daemon=True, name=f"renews the lock of {resource}")

    def begin(self, owner: str, about: Mapping[str, Any]) -> None:
        """Take the lease, and renew it until ``end``."""
        # Before the request: so our time is over before the store's is.
        began = time.monotonic()
        try:
            self.token = take_lease(self._leases, self._resource, self._holder_id, owner, self._length, about)
            self._sure_until = began + self._length.total_seconds()
            self._renewing.start()
            self.is_held = True
        except LockHeldError:
            raise
        except BaseException:
            # The write may have arrived without its reply: the next attempt must not be refused by it.
            self._ended.set()
            with suppress(Exception):
                release_lease(self._leases, self._resource, self._holder_id)
            raise

    def end(self) -> None:
        """Stop the renewal and give the lease back, once. Raises LockLostError if it was lost."""
        with self._changing:
            is_first, self.is_held = self.is_held, False
        if is_first:
            self._ended.set()
            if self._renewing is not current_thread():  # which may call on_lost
                self._renewing.join(_JOIN_SECONDS)
            with suppress(CompletionsError):
                try:
                    release_lease(self._leases, self._resource, self._holder_id)
                except LockLostError as error:
                    self._lose(error)
        self.raise_if_lost()

    def check(self) -> None:
        """Raise LockLostError if the lease is lost, or may be over."""
        if self._lost is None and time.monotonic() >= self._sure_until:
            over = f"The lock of {self._resource} is lost: its lease is over, and no renewal was answered."
            self._lose(LockLostError(over, "Write nothing more. Start again with a new lock."))
        self.raise_if_lost()

    def raise_if_lost(self) -> None:
        """Raise LockLostError if the loss was noticed."""
        if self._lost is not None:
            raise LockLostError(self._lost.message, self._lost.hint)

    def _renew(self) -> None:
        seconds = self._length.total_seconds()
        while not self._ended.wait(seconds / _RENEWALS_PER_LEASE):
            began = time.monotonic()
            try:
                renew_lease(self._leases, self._resource, self._holder_id)
            except LockLostError as error:
                # Of a lease that was given back meanwhile, nothing is lost.
                return None if self._ended.is_set() else self._lose(error)
            except CompletionsError:
                if time.monotonic() >= self._sure_until and not self._ended.is_set():
                    with suppress(LockLostError):
                        self.check()
                    return None
                continue  # the next one may be answered in time
            self._sure_until = began + seconds
        return None

    def _lose(self, error: LockLostError) -> None:
        with self._changing:
            is_first, self._lost = self._lost is None, self._lost or error
        if is_first and self._on_lost is not None:
            # Its error must not hide the loss.
            with suppress(Exception):
                self._on_lost()


def _started(work: Callable[..., _T], *arguments: Any) -> asyncio.Future[_T]:
    """A future of the loop, and no task: the end of the loop would cancel a task before its thread has begun."""
    run = partial(contextvars.copy_context().run, work, *arguments)
    return asyncio.get_running_loop().run_in_executor(None, run)


async def _finished(running: asyncio.Future[_T], give_up: Callable[[], object] = lambda: None) -> _T:
    """The result of a thread. A task that is cancelled, however often, waits for its end all the same: what the thread
    takes must be given back. ``give_up``: called when that happens.
    """
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            give_up()
            cancelled = error
        except BaseException:  # the coroutine was closed
            give_up()
            raise
    if cancelled is None:
        return running.result()
    if not running.cancelled():
        running.exception()  # else asyncio would log it as never looked at
    raise cancelled
