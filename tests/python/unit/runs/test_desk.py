"""One run at a time, whoever asks, and an answer that is not too old."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from trueup.runs.desk import Answer, CrowdedError, Desk
from trueup.window import now

OLDEST = timedelta(milliseconds=50)
DAYS = ("2026-01-27", "2026-02-02")
MANY = 100


class Runs:
    """Runs of random length, which count how many go on at once."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.going_on = self.most_at_once = self.count = 0

    def __call__(self) -> Answer:
        with self._lock:
            self.going_on += 1
            self.count += 1
            self.most_at_once = max(self.most_at_once, self.going_on)
            number, seconds, fails = self.count, self._random.choice((0, 0.01, 0.1)), self._random.random() < 0.1
        began_at = now()
        time.sleep(seconds)
        with self._lock:
            self.going_on -= 1
        if fails:
            raise OSError("planted")
        return Answer(0, str(number), began_at, began_at, DAYS)


@pytest.mark.parametrize("seed", range(8))
def test_any_callers_get_one_run_at_a_time_and_an_answer_of_now(seed: int) -> None:
    runs = Runs(seed)
    desk = Desk(runs, OLDEST, now, lambda: DAYS, MANY)
    order = random.Random(seed)
    pauses = [order.choice((0, 0, 0.005, 0.03)) for _ in range(400)]

    def ask(pause: float) -> tuple[datetime, Answer | None]:
        time.sleep(pause)
        asked_at = now()
        try:
            return asked_at, desk.ask()
        except (OSError, RuntimeError):
            return asked_at, None

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(ask, pauses))
    assert runs.most_at_once == 1
    # A run takes up to 0.1 s, whose answer its callers wait for. A moment may pass between the decision and the
    # caller's clock.
    for asked_at, answer in answers:
        assert answer is None or answer.read_at >= asked_at - timedelta(milliseconds=100 + 100)
    assert sum(answer is not None for _, answer in answers) > 200


def test_the_last_answer_is_given_at_once_while_a_run_goes_on() -> None:
    may_end, has_begun, count = threading.Event(), threading.Event(), 0

    def look() -> Answer:
        nonlocal count
        count += 1
        if count == 2:
            has_begun.set()
            may_end.wait(10)
        return Answer(0, str(count), now(), now(), DAYS)

    desk = Desk(look, timedelta(seconds=30), now, lambda: DAYS, MANY)
    assert desk.ask().document == "1"
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(desk.ask)
        assert has_begun.wait(10)
        assert desk.ask().document == "1"
        may_end.set()
        assert second.result(10).document == "2"


@pytest.mark.parametrize("age", [timedelta(seconds=31), timedelta(seconds=-1)], ids=["too old", "of the future"])
def test_an_answer_of_another_time_is_not_given(age: timedelta) -> None:
    clock = datetime(2026, 2, 4, 13, tzinfo=UTC)
    may_end, has_begun, count = threading.Event(), threading.Event(), 0

    def look() -> Answer:
        nonlocal count
        count += 1
        if count == 2:
            has_begun.set()
            may_end.wait(10)
        return Answer(0, str(count), clock, clock, DAYS)

    desk = Desk(look, timedelta(seconds=30), lambda: clock, lambda: DAYS, MANY)
    desk.ask()
    clock += age
    with ThreadPoolExecutor(2) as pool:
        second = pool.submit(desk.ask)
        assert has_begun.wait(10)
        third = pool.submit(desk.ask)
        time.sleep(0.05)
        assert not third.done()
        may_end.set()
        assert second.result(10).document == third.result(10).document == "2"


MIDNIGHT = datetime(2026, 2, 4, 5, tzinfo=UTC)


class Midnight:
    """A desk whose clock is set, and whose runs end when they are told to. The days are those before midnight, or those
    after it.
    """

    def __init__(self, most_waiting: int = MANY) -> None:
        self.clock = MIDNIGHT
        self.begun = 0
        self._may_end = threading.Semaphore(0)
        self._began = threading.Semaphore(0)
        self.desk = Desk(self._look, timedelta(hours=1), lambda: self.clock, self.days, most_waiting)

    def days(self) -> str:
        return "before" if self.clock < MIDNIGHT else "after"

    def _look(self) -> Answer:
        self.begun += 1
        number, began_at, days = self.begun, self.clock, self.days()
        self._began.release()
        assert self._may_end.acquire(timeout=10)
        return Answer(0, str(number), began_at, began_at, days)

    def wait_for_a_run(self) -> None:
        assert self._began.acquire(timeout=10)

    def end_a_run(self) -> None:
        self._may_end.release()


@pytest.mark.parametrize("minutes", range(-3, 4))
@pytest.mark.parametrize("since", range(4))
def test_no_caller_gets_the_answer_about_the_days_before_midnight_after_it(minutes: int, since: int) -> None:
    """A run is over, and another one goes on, when somebody asks ``minutes`` after midnight."""
    at = Midnight()
    asked_at = MIDNIGHT + timedelta(minutes=minutes)
    at.clock = asked_at - timedelta(minutes=since)
    with ThreadPoolExecutor(3) as pool:
        at.end_a_run()
        first = at.desk.ask()
        at.wait_for_a_run()
        second = pool.submit(at.desk.ask)
        at.wait_for_a_run()
        at.clock = asked_at
        third = pool.submit(at.desk.ask)
        time.sleep(0.02)
        assert third.done() == (first.days == at.days())
        at.end_a_run()
        at.end_a_run()
        assert third.result(10).days == at.days()
        assert second.result(10).document == "2"
    assert at.begun == (2 if first.days == at.days() else 3)


def test_callers_who_waited_over_midnight_share_one_more_run() -> None:
    at = Midnight()
    at.clock = MIDNIGHT - timedelta(minutes=1)
    with ThreadPoolExecutor(21) as pool:
        pool.submit(at.desk.ask)
        at.wait_for_a_run()
        at.clock = MIDNIGHT + timedelta(minutes=1)
        others = [pool.submit(at.desk.ask) for _ in range(20)]
        time.sleep(0.1)
        at.end_a_run()
        at.wait_for_a_run()
        time.sleep(0.1)
        at.end_a_run()
        assert {one.result(10).document for one in others} == {"2"}
    assert at.begun == 2


def test_a_run_without_a_report_is_told_to_who_waited_and_to_nobody_later() -> None:
    clock, begun, may_end, count = MIDNIGHT, threading.Event(), threading.Event(), 0

    def look() -> Answer:
        nonlocal count
        count += 1
        begun.set()
        may_end.wait(10)
        return Answer(3, str(count), clock, clock)

    desk = Desk(look, timedelta(hours=1), lambda: clock, lambda: DAYS, MANY)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(desk.ask)
        assert begun.wait(10)
        clock += timedelta(seconds=1)
        others = [pool.submit(desk.ask) for _ in range(8)]
        time.sleep(0.05)
        may_end.set()
        assert {one.result(10).document for one in (first, *others)} == {"1"}
        may_end.clear()
        begun.clear()
        second = pool.submit(desk.ask)
        assert begun.wait(10)
        third = pool.submit(desk.ask)
        time.sleep(0.05)
        assert not third.done()
        may_end.set()
        assert second.result(10).document == third.result(10).document == "2"


@pytest.mark.parametrize("most", [0, 1, 5])
def test_no_more_callers_wait_than_may(most: int) -> None:
    at = Midnight(most)
    with ThreadPoolExecutor(most + 1) as pool:
        running = pool.submit(at.desk.ask)
        at.wait_for_a_run()
        waiting = [pool.submit(at.desk.ask) for _ in range(most)]
        time.sleep(0.1)
        for _ in range(3):
            with pytest.raises(CrowdedError):
                at.desk.ask()
        at.end_a_run()
        assert {one.result(10).document for one in (running, *waiting)} == {"1"}
        at.end_a_run()
        assert at.desk.ask().document == "2"
