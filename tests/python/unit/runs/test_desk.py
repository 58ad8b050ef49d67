"""One run at a time, whoever asks, and an answer that is not too old."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from trueup.runs.desk import Answer, Desk
from trueup.window import now

OLDEST = timedelta(milliseconds=50)


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
        return Answer(0, str(number), began_at, now())


@pytest.mark.parametrize("seed", range(8))
def test_any_callers_get_one_run_at_a_time_and_an_answer_of_now(seed: int) -> None:
    runs = Runs(seed)
    desk = Desk(runs, OLDEST, now)
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
    # A moment may pass between the decision and the caller's clock.
    for asked_at, answer in answers:
        assert answer is None or answer.ended_at >= asked_at - OLDEST - timedelta(milliseconds=20)
    assert sum(answer is not None for _, answer in answers) > 200


def test_the_last_answer_is_given_at_once_while_a_run_goes_on() -> None:
    may_end, has_begun, count = threading.Event(), threading.Event(), 0

    def look() -> Answer:
        nonlocal count
        count += 1
        if count == 2:
            has_begun.set()
            may_end.wait(10)
        return Answer(0, str(count), now(), now())

    desk = Desk(look, timedelta(seconds=30), now)
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
        return Answer(0, str(count), clock, clock)

    desk = Desk(look, timedelta(seconds=30), lambda: clock)
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
