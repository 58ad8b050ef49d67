"""The processing lock on Google's Firestore emulator: one holder at a time, by the clock of the store."""

from __future__ import annotations

import ast
import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from helpers.cases import KEY, PLAYERS
from helpers.emulators import Google
from helpers.repairs import fields_of
from trueup.completion import lease as leases
from trueup.completion.lease import LEASES, take_lease
from trueup.errors import CompletionsError, LockHeldError, LockLostError, UsageError
from trueup.gateways.firestore import FirestoreCompletions
from trueup.guard import ProcessingLock
from trueup.guard import lock as locks

# One worker: the emulators are expensive.

RESOURCE = f"{PLAYERS}_{KEY}"
SECOND = timedelta(seconds=1)


Locking = Callable[..., ProcessingLock]


@pytest.fixture
def locking(google: Google) -> Locking:
    client = firestore.Client(project=google.project)

    def make(owner: str = "run-1", **more: Any) -> ProcessingLock:
        return ProcessingLock(client, PLAYERS, KEY, owner=owner, **more)

    return make


def in_its_own_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it in a thread: the main one may have the loop of the browser's driver."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def dead_holder(google: Google, length: timedelta = SECOND) -> int:
    """The lock of a process that was killed, and its token."""
    with closing(google.collection(LEASES)) as store:
        return take_lease(store, RESOURCE, "dead", "dead", length, {})


def test_another_one_is_refused_and_told_who_holds_it_until_it_is_released(locking: Locking) -> None:
    with locking("run-1") as first:
        with pytest.raises(LockHeldError, match="run-1 holds the lock") as raised:
            locking("run-2").acquire()
        assert "600 s" in raised.value.hint or "59" in raised.value.hint
        with pytest.raises(LockHeldError):
            locking("run-1").acquire()  # the same owner: its message came twice
        token = first.token
    with locking("run-2") as second:
        assert second.token > token


def test_of_many_at_once_one_holds_it(locking: Locking) -> None:
    ready, held = threading.Barrier(8), []

    def acquire(number: int) -> ProcessingLock | None:
        ready.wait()
        try:
            return locking(f"run-{number}").acquire()
        except LockHeldError:
            return None

    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            (winner,) = [one for one in pool.map(acquire, range(8)) if one is not None]
        held.append(winner.token)
        winner.release()
    assert held == sorted(set(held))


def test_the_lock_of_a_killed_holder_ends_by_the_lease_of_that_holder(google: Google, locking: Locking) -> None:
    token = dead_holder(google, SECOND)
    with pytest.raises(LockHeldError, match="dead holds"):
        locking(lease=timedelta(hours=1)).acquire()
    time.sleep(1.1)
    with locking() as lock:
        assert lock.token > token


def test_a_held_lock_is_renewed(locking: Locking) -> None:
    with locking(lease=SECOND) as lock:
        token = lock.token
        time.sleep(2.2)
        with pytest.raises(LockHeldError):
            locking("run-2").acquire()
        assert lock.token == token


def test_a_paused_holder_is_told_and_does_not_release_the_lock_of_another(
    google: Google, locking: Locking, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def paused(*_: Any) -> None:
        raise CompletionsError("The network is away.")

    with monkeypatch.context() as patched:
        patched.setattr(locks, "renew_lease", paused)
        first = locking("run-1", lease=SECOND, on_lost=lambda: told.append("lost")).acquire()
        token = first.token
        time.sleep(1.3)
        with pytest.raises(LockLostError, match="no renewal was answered"):
            _ = first.token
    with locking("run-2") as second:
        with pytest.raises(LockLostError):
            first.release()
        assert second.token > token
        fields = fields_of(google, LEASES, RESOURCE)
        assert (fields["owner"], fields["is_held"]) == ("run-2", True)
    assert told == ["lost"]


def test_a_holder_whose_lock_was_taken_is_told_by_its_renewal(google: Google, locking: Locking) -> None:
    lost = threading.Event()
    lock = locking(lease=2 * SECOND, on_lost=lost.set).acquire()
    google.forget(LEASES, RESOURCE)
    with locking("run-2") as other:
        assert lost.wait(5)
        with pytest.raises(LockLostError, match="run-2 has it"):
            lock.check()
        with pytest.raises(LockLostError):
            lock.release()
        assert other.token > 0


def test_leaving_tells_the_loss_unless_the_block_raised(google: Google, locking: Locking) -> None:
    with pytest.raises(LockLostError), locking():
        google.forget(LEASES, RESOURCE)
    with pytest.raises(ZeroDivisionError), locking():  # noqa: PT012 - the loss comes first
        google.forget(LEASES, RESOURCE)
        _ = 1 / 0


def test_the_token_grows_even_if_someone_deletes_the_document(google: Google, locking: Locking) -> None:
    tokens = []
    for _ in range(3):
        with locking() as lock:
            tokens.append(lock.token)
        google.forget(LEASES, RESOURCE)
    assert tokens == sorted(set(tokens))


@pytest.mark.parametrize("name", ["create", "update"])
def test_a_lost_reply_does_not_lose_the_lock(locking: Locking, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Google's client repeats a request whose reply was lost, and gets a conflict with its own write."""
    write = getattr(FirestoreCompletions, name)

    def twice(self: Any, *arguments: Any) -> None:
        write(self, *arguments)
        write(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(FirestoreCompletions, name, twice)
        with locking() as lock:
            assert lock.token > 0
    with locking("run-2"):
        pass


def test_async_code_holds_the_lock_while_its_event_loop_is_busy(locking: Locking) -> None:
    async def work() -> int:
        async with locking(lease=SECOND) as lock:
            time.sleep(1.5)  # blocks the loop on purpose
            with pytest.raises(LockHeldError):
                await asyncio.to_thread(locking("run-2").acquire)
            return lock.token

    assert in_its_own_loop(work()) > 0
    with locking("run-2"):
        pass


def test_a_cancelled_acquisition_leaves_no_lock(locking: Locking, monkeypatch: pytest.MonkeyPatch) -> None:
    take = leases.take_lease
    taking = threading.Event()

    def slow(*arguments: Any) -> Any:
        taking.set()
        time.sleep(0.5)
        return take(*arguments)

    async def work() -> None:
        async with locking():
            raise AssertionError("was cancelled before")

    async def cancel() -> None:
        task = asyncio.create_task(work())
        await asyncio.to_thread(taking.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with monkeypatch.context() as patched:
        patched.setattr(locks, "take_lease", slow)
        in_its_own_loop(cancel())
    with locking("run-2"):
        pass


def test_a_document_that_is_no_lock_is_told_and_kept(google: Google, locking: Locking) -> None:
    with closing(google.collection(LEASES)) as store:
        store.replace(RESOURCE, {"locked_at": "yesterday"})
    with pytest.raises(CompletionsError, match="is not the document of a lock"):
        locking().acquire()
    assert fields_of(google, LEASES, RESOURCE) == {"locked_at": "yesterday"}


@pytest.mark.parametrize(
    "damage", [{"token": 2**63 - 1}, {"token": True}, {"renewed_at": datetime(2999, 1, 1, tzinfo=UTC)}]
)
def test_a_damaged_document_is_told_and_not_taken_for_a_lock_that_is_held_for_ever(
    google: Google, locking: Locking, damage: dict[str, Any]
) -> None:
    dead_holder(google)
    with closing(google.collection(LEASES)) as store:
        store.replace(RESOURCE, {**fields_of(google, LEASES, RESOURCE), **damage})
    with pytest.raises(CompletionsError, match="is not the document of a lock"):
        locking().acquire()


def test_a_client_whose_clock_is_an_hour_ahead_waits_for_the_lease_and_keeps_its_own(
    google: Google, locking: Locking, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An hour behind, gRPC would give up every request: it compares this clock with that of the machine.
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 3600)
    dead_holder(google, SECOND)
    with pytest.raises(LockHeldError):
        locking().acquire()
    time.sleep(1.1)
    with locking(lease=SECOND) as lock:
        time.sleep(1.5)
        assert lock.token > 0
        monkeypatch.setattr(time, "time", right)
        with pytest.raises(LockHeldError):
            locking("run-2").acquire()


def test_no_clock_of_the_client_is_read() -> None:
    """A client's wrong clock must change nothing; only the time that passes (time.monotonic) may be measured."""
    for module in (locks, leases):
        tree = ast.parse(inspect.getsource(module))
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not names & {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}, module


@pytest.mark.parametrize(
    "changes",
    [
        {"processor": "a/b"},
        {"processor": ""},
        {"data_date": "2026-02-30"},
        {"owner": ""},
        {"lease": timedelta(0)},
        {"lease": 600},
    ],
)
def test_a_wrong_argument_is_named(changes: dict[str, Any]) -> None:
    client = firestore.Client(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call, unused-ignore]
    given: dict[str, Any] = {"processor": PLAYERS, "data_date": date(2026, 2, 3), "owner": "run-1", **changes}
    with pytest.raises(UsageError):
        ProcessingLock(client, given.pop("processor"), given.pop("data_date"), **given)
