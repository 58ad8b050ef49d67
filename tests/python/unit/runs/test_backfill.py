"""A backfill goes in steps, goes on where it was stopped, and says which days it could not fill, and why."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from helpers.doubles import Killed
from helpers.replaying import Silent
from trueup.errors import CannotCheckError, DbtError
from trueup.gateways.embedded import ENDPOINT_VARIABLE
from trueup.results.bytes import NO_BYTES
from trueup.results.outcome import NodeResult
from trueup.runs.backfill import Progress, backfill
from trueup.runs.workplace import Workplace
from trueup.settings import Settings
from trueup.window import Window

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=offset) for offset in range(7)]
WINDOW = Window(DAYS[0], DAYS[-1], datetime(2026, 2, 1, tzinfo=UTC))
STEPS = [(DAYS[0], DAYS[2]), (DAYS[3], DAYS[5]), (DAYS[6], DAYS[6])]
GOOD = NodeResult("player_game_summary_latest", "model", "success", "", 0.1, NO_BYTES)
Answer = Callable[[date], Sequence[NodeResult]]


@pytest.fixture(autouse=True)
def no_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests of this worker may have one."""
    monkeypatch.delenv(ENDPOINT_VARIABLE, raising=False)


def good(_: date) -> Sequence[NodeResult]:
    return [GOOD]


@dataclass
class FakeDbt:
    """dbt that builds nothing: it notes the days of each build, and answers as it is told."""

    answer: Answer
    built: list[tuple[date, date]] = field(default_factory=list)
    variables: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    replaced_tables: frozenset[str] = frozenset()

    def with_vars(self, variables: Mapping[str, Any]) -> FakeDbt:
        return replace(self, variables={**self.variables, **variables})

    def run(self, arguments: Sequence[str], on_node: object = None) -> Sequence[NodeResult]:
        assert on_node is not None
        if arguments[0] == "seed":
            return []
        first, last = (date.fromisoformat(self.variables[name]) for name in ("first_date", "last_date"))
        self.built.append((first, last))
        return self.answer(first)


class FakeTables:
    """Tables of nobody else, unless they are told otherwise."""

    def __init__(self, has_lease: bool = True, others: Sequence[str] = ()) -> None:
        self._has_lease, self._others = has_lease, list(others)

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None

    def leased(self, *_: object) -> Any:
        return nullcontext()

    def has_lease(self, _: str) -> bool:
        return self._has_lease

    def built_by_others(self, *_: object) -> list[str]:
        return self._others


def place(folder: Path, answer: Answer = good, tables: FakeTables | None = None, **changes: Any) -> Workplace:
    """A workplace of a run on the seven days."""
    settings = replace(Settings(folder, folder, "local", WINDOW), **changes)
    return Workplace(
        settings=settings, project="p", dataset="d", dbt=cast(Any, FakeDbt(answer)), listener=Silent(),
        tables=cast(Any, tables or FakeTables()), schemas=cast(Any, _Any()), reference=cast(Any, None),
        completions=cast(Any, None), repair_stores=cast(Any, None), validator=cast(Any, None),
    )  # fmt: skip


class _Any(dict[str, Any]):
    def __missing__(self, key: str) -> None:
        return None


def filled(work: Workplace, step_days: int = 3, is_restart: bool = False) -> list[tuple[date, date]]:
    """The days of each step that the backfill reports."""
    steps: list[Window] = []
    backfill(work, step_days, steps.append, is_restart)
    return [(one.first_date, one.last_date) for one in steps]


def stopped(folder: Path, at: date = DAYS[3], **changes: Any) -> None:
    """A backfill that is killed in the step that begins with this day."""

    def killing(first: date) -> Sequence[NodeResult]:
        if first == at:
            raise Killed
        return [GOOD]

    with pytest.raises(Killed):
        filled(place(folder, killing, **changes))


def test_the_days_are_filled_in_steps_oldest_first(tmp_path: Path) -> None:
    work = place(tmp_path)
    assert filled(work) == STEPS == cast(Any, work.dbt).built
    assert filled(place(tmp_path), 100) == [(DAYS[0], DAYS[-1])]
    assert filled(place(tmp_path), 1) == [(day, day) for day in DAYS]
    assert list(tmp_path.glob("backfill*")) == []


def test_a_killed_one_goes_on_where_it_was(tmp_path: Path) -> None:
    stopped(tmp_path)
    assert filled(place(tmp_path), 2) == [(DAYS[3], DAYS[4]), (DAYS[5], DAYS[6])]
    assert filled(place(tmp_path)) == STEPS  # a finished one leaves nothing to go on from


def test_a_restart_begins_with_the_first_day(tmp_path: Path) -> None:
    stopped(tmp_path)
    assert filled(place(tmp_path), is_restart=True) == STEPS


def test_another_target_dataset_or_days_begin_with_their_first_day(tmp_path: Path) -> None:
    # Found 2026-11: the file named the target of the profile, not the dataset that it was at that time.
    stopped(tmp_path)
    kept = (tmp_path / "backfill.json").read_bytes()
    others: list[Workplace] = [
        place(tmp_path, target="prod"),
        replace(place(tmp_path), dataset="other"),
        replace(place(tmp_path), project="other"),
        place(tmp_path, window=replace(WINDOW, last_date=DAYS[-2])),
        place(tmp_path, window=replace(WINDOW, first_date=DAYS[0] - timedelta(days=1))),
    ]
    for work in others:
        (tmp_path / "backfill.json").write_bytes(kept)
        assert filled(work)[0][0] == work.settings.window.first_date


ODD = [
    b"", b"{", b"[]", b"3", b"null", b'"text"', b"\xff\xfe\x00", b"[" * 100_000, b"{}",
    b'{"of": [], "done_to": "2026-01-03"}',
    *(json.dumps({"of": ["local p.d", "2026-01-01", "2026-01-07"], "done_to": done}).encode()
      for done in ("2099-01-01", "2025-12-31", "soon", None, 3, ["2026-01-03"])),
]  # fmt: skip


@pytest.mark.parametrize("content", ODD, ids=lambda one: one[:60].decode(errors="replace"))
def test_an_odd_file_of_progress_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "backfill.json").write_bytes(content)
    assert filled(place(tmp_path)) == STEPS


def test_the_odd_contents_are_near_those_of_a_right_file(tmp_path: Path) -> None:
    content = json.dumps({"of": ["local p.d", "2026-01-01", "2026-01-07"], "done_to": "2026-01-03"})
    (tmp_path / "backfill.json").write_text(content, encoding="utf-8")
    assert filled(place(tmp_path)) == STEPS[1:]


def test_a_pipe_or_a_folder_in_place_of_the_file_is_no_progress(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "backfill.json")
    assert filled(place(tmp_path)) == STEPS
    (tmp_path / "backfill.json").mkdir()
    with pytest.raises(CannotCheckError, match="cannot be written"):
        filled(place(tmp_path))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([GOOD, replace(GOOD, name="survivors_arrived", kind="test", status="fail", message="Got 4 results")],
         "survivors_arrived failed: Got 4 results"),
        ([replace(GOOD, status="skipped")], "player_game_summary_latest was skipped"),
        (DbtError("dbt build could not build games: refused", "Grant it."), "could not build games: refused"),
    ],
    ids=["test", "skipped", "error"],
)  # fmt: skip
def test_a_failing_step_names_its_days_and_what_failed(
    tmp_path: Path, answer: Sequence[NodeResult] | DbtError, said: str
) -> None:
    def failing(first: date) -> Sequence[NodeResult]:
        if first == DAYS[0]:
            return [GOOD]
        if isinstance(answer, DbtError):
            raise answer
        return answer

    with pytest.raises(CannotCheckError, match=f"2026-01-04 to 2026-01-06 are not filled: .*{said}") as raised:
        filled(place(tmp_path, failing))
    assert "goes on there" in raised.value.hint
    assert filled(place(tmp_path)) == STEPS[1:]


@pytest.mark.parametrize("tables", [FakeTables(has_lease=False), FakeTables(others=["row_fingerprints"])])
def test_days_that_another_run_built_at_the_same_time_are_not_filled(tmp_path: Path, tables: FakeTables) -> None:
    # Found 2026-11: it named a test that failed because of the other run, and not the other run.
    failed = replace(GOOD, name="survivors_arrived", kind="test", status="fail")
    with pytest.raises(CannotCheckError, match="2026-01-01 to 2026-01-03 are not filled: Another run"):
        filled(place(tmp_path, lambda _: [GOOD, failed], tables))
    assert Progress(tmp_path / "backfill.json", "local p.d", WINDOW).done_to() is None


def test_another_embedded_warehouse_is_another_place(tmp_path: Path) -> None:
    target = "local p.d"
    assert Progress(tmp_path / "b.json", target, WINDOW).done_to() is None
    Progress(tmp_path / "b.json", f"{target} http://127.0.0.1:1", WINDOW).write(DAYS[2])
    assert Progress(tmp_path / "b.json", f"{target} http://127.0.0.1:2", WINDOW).done_to() is None
    assert Progress(tmp_path / "b.json", f"{target} http://127.0.0.1:1", WINDOW).done_to() == DAYS[2]
