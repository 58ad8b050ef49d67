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
from trueup.guard import ProcessingLock, retry
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


@pytest.mark.parametrize("times", [1, 2, 3])
def test_an_acquisition_that_is_cancelled_any_number_of_times_leaves_no_lock_and_no_thread(
    locking: Locking, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
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
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await task

    with monkeypatch.context() as patched:
        patched.setattr(locks, "take_lease", slow)
        in_its_own_loop(cancel())
    assert not [one for one in threading.enumerate() if one.name == f"renews the lock of {RESOURCE}"]
    with locking("run-2"):
        pass


def test_a_task_that_is_cancelled_while_it_leaves_gives_the_lock_back(
    google: Google, locking: Locking, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_back = leases.release_lease
    leaving = threading.Event()

    def slow(*arguments: Any) -> None:
        leaving.set()
        time.sleep(0.3)
        give_back(*arguments)

    async def work() -> None:
        async with locking():
            pass

    async def cancel() -> None:
        task = asyncio.create_task(work())
        await asyncio.to_thread(leaving.wait)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.05)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert fields_of(google, LEASES, RESOURCE)["is_held"] is False

    monkeypatch.setattr(locks, "release_lease", slow)
    in_its_own_loop(cancel())


def test_an_instance_that_another_thread_acquires_is_in_use(locking: Locking, monkeypatch: pytest.MonkeyPatch) -> None:
    take = leases.take_lease
    taking, is_refused = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        taking.set()
        is_refused.wait(5)
        return take(*arguments)

    monkeypatch.setattr(locks, "take_lease", slow)
    lock = locking(lease=SECOND)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lock.acquire)
        taking.wait()
        with pytest.raises(UsageError, match="not held"):
            lock.check()
        with pytest.raises(UsageError, match="in use"):
            lock.acquire()
        is_refused.set()
        first.result()
    with pytest.raises(UsageError, match="in use"):
        lock.acquire()
    time.sleep(1.2)
    assert lock.token > 0
    lock.release()
    with locking("run-2"):
        pass


def test_a_late_renewal_of_an_earlier_use_does_not_lose_the_next_one(
    locking: Locking, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew = leases.renew_lease
    renewing, is_next, told = threading.Event(), threading.Event(), []

    def slow(*arguments: Any) -> None:
        if not renewing.is_set():
            renewing.set()
            is_next.wait(5)
        renew(*arguments)

    monkeypatch.setattr(locks, "renew_lease", slow)
    monkeypatch.setattr(locks, "_JOIN_SECONDS", 0.1)
    lock = locking(lease=SECOND, on_lost=lambda: told.append("lost")).acquire()
    renewing.wait()
    lock.release()
    with lock:
        is_next.set()
        time.sleep(1.2)
        assert lock.token > 0
    assert told == []


def test_an_acquisition_without_a_reply_can_be_repeated(locking: Locking, monkeypatch: pytest.MonkeyPatch) -> None:
    write = FirestoreCompletions.update
    failed: list[bool] = []

    def without_reply(self: Any, *arguments: Any) -> None:
        write(self, *arguments)
        if not failed:
            failed.append(True)
            raise CompletionsError("No reply.")

    monkeypatch.setattr(FirestoreCompletions, "update", without_reply)
    lock = locking()
    assert retry(lock.acquire, only=lambda error: isinstance(error, CompletionsError)).token > 0
    assert failed
    lock.release()


def test_an_acquisition_without_a_reply_and_with_no_answer_to_its_release_tells_the_first_error(
    locking: Locking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(text: str) -> Callable[..., None]:
        def refuse(*_: Any) -> None:
            raise CompletionsError(text)

        return refuse

    lock = locking()
    with monkeypatch.context() as patched:
        patched.setattr(locks, "take_lease", refusing("No reply."))
        patched.setattr(locks, "release_lease", refusing("Nobody there."))
        with pytest.raises(CompletionsError, match="No reply"):
            lock.acquire()
    with lock:
        pass


def test_a_lock_that_is_not_held_has_no_token_and_says_so(locking: Locking) -> None:
    lock = locking()
    for _ in range(2):
        for ask in (lock.check, lambda: lock.token):
            with pytest.raises(UsageError, match="not held") as raised:
                ask()
            assert "inside with" in raised.value.hint
        with lock:
            assert lock.token > 0


def test_a_processor_has_one_lock_under_the_name_of_its_class_too(google: Google, locking: Locking) -> None:
    client = firestore.Client(project=google.project)
    other = ProcessingLock(client, "PlayerGameSummaryProcessor", KEY, owner="run-2")
    with locking(), pytest.raises(LockHeldError, match="run-1 holds"):
        other.acquire()
    with other:
        assert fields_of(google, LEASES, RESOURCE)["processor"] == PLAYERS


def test_an_error_of_on_lost_does_not_hide_the_loss(google: Google, locking: Locking) -> None:
    told = []

    def fail() -> None:
        told.append("lost")
        raise ZeroDivisionError

    with pytest.raises(LockLostError), locking(on_lost=fail):
        google.forget(LEASES, RESOURCE)
    assert told == ["lost"]


def test_on_lost_may_release_the_lock_and_the_block_still_hears_of_the_loss(google: Google, locking: Locking) -> None:
    told: list[str] = []
    is_told = threading.Event()

    def give_up() -> None:
        try:
            lock.release()
        except LockLostError as error:
            told.append(error.message)
            is_told.set()

    lock = locking(lease=SECOND, on_lost=give_up)
    with pytest.raises(LockLostError, match="was deleted"), lock:  # noqa: PT012 - the block hears it twice
        google.forget(LEASES, RESOURCE)
        assert is_told.wait(5)
        with pytest.raises(LockLostError):
            lock.check()
    assert len(told) == 1
    with lock:
        assert lock.token > 0


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
        {"owner": "run-\ud800"},
        {"lease": timedelta(0)},
        {"lease": 600},
    ],
)
def test_a_wrong_argument_is_named(changes: dict[str, Any]) -> None:
    client = firestore.Client(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call, unused-ignore]
    given: dict[str, Any] = {"processor": PLAYERS, "data_date": date(2026, 2, 3), "owner": "run-1", **changes}
    with pytest.raises(UsageError):
        ProcessingLock(client, given.pop("processor"), given.pop("data_date"), **given)
