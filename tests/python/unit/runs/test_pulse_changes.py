"""When a pulse may take a table for unchanged: only if the warehouse says so of exactly the days that it looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from trueup.errors import CannotCheckError, WarehouseError
from trueup.results.compiled import CompiledModel
from trueup.runs.pulse.changes import Counted, Memory, has_days, read_memory, stamps_of, write_memory
from trueup.runs.pulse.evaluation import Evaluation
from trueup.runs.pulse.turn import turn
from trueup.schemas import TableFacts, TableSchema

DAYS = (date(2026, 2, 3), date(2026, 2, 4))
TABLES = {"players": "p.d.players", "teams": "p.e.teams"}
SCHEMA = TableSchema("d", "players", {"day": "date"}, "day", False, False, {})
FACTS = TableFacts({"day": "date"}, "day", is_table=True)
KNOWN = Counted("[1]", {"counts": [[1]]})


def answered(*partitions: tuple[str | None, int, str]) -> Any:
    """A warehouse in which ``players`` has these partitions."""

    def query(sql: str, _: Mapping[str, str]) -> list[dict[str, Any]]:
        assert "INFORMATION_SCHEMA.PARTITIONS" in sql
        rows = [
            {"full_name": "p.d.players", "partition_id": name, "total_rows": rows, "last_modified_time": changed}
            for name, rows, changed in partitions
        ]
        return rows if "`p.d." in sql else []

    return query


def stamp(*partitions: tuple[str | None, int, str]) -> str:
    return stamps_of(answered(*partitions), TABLES, DAYS)["players"]


def test_rows_and_times_of_change_make_the_state() -> None:
    known = stamp(("20260203", 5, "08:00"), ("20260204", 1, "08:00"))
    assert known == stamp(("20260204", 1, "08:00"), ("20260203", 5, "08:00"))
    assert known != stamp(("20260203", 6, "08:00"), ("20260204", 1, "08:00"))
    assert known != stamp(("20260203", 5, "08:01"), ("20260204", 1, "08:00"))
    assert known != stamp(("20260203", 5, "08:00"))


def test_a_table_without_rows_has_a_state_and_a_stream_has_none() -> None:
    assert stamp() == "[]"
    assert stamp(("__UNPARTITIONED__", 3, "08:00"), ("20260203", 5, "08:00")) == ""
    assert stamp(("__UNPARTITIONED__", 0, "08:00"), ("20260203", 5, "08:00")) != ""


def test_partitions_of_hours_months_and_years_of_the_days_are_asked_for() -> None:
    sent: list[str] = []
    stamps_of(lambda sql, _: sent.append(sql) or [], {"players": "p.d.players"}, DAYS)  # type: ignore[func-returns-value]
    for name in ("2026", "202602", "20260203", "20260204", "__NULL__", "__UNPARTITIONED__"):
        assert f"'{name}'" in sent[0]
    assert "table_name in ('players')" in sent[0]


def test_a_refusal_means_that_nothing_is_known() -> None:
    def refuse(*_: object) -> list[dict[str, Any]]:
        raise WarehouseError("no permission")

    assert stamps_of(refuse, TABLES, DAYS) == {}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (FACTS, True),
        (None, True),
        (replace(FACTS, partition_column=None), True),
        (replace(FACTS, partition_column="season"), False),
        (replace(FACTS, is_table=False), False),
    ],
    ids=["as declared", "missing", "no partitions", "other partitions", "a view"],
)
def test_only_partitions_of_the_days_tell_if_the_days_have_changed(facts: TableFacts | None, said: bool) -> None:
    assert has_days(SCHEMA, facts) == said


@pytest.mark.parametrize(
    ("context", "stamps", "values", "said"),
    [
        ("c", {"players": "[1]"}, {"counts": [[1]]}, True),
        ("other", {"players": "[1]"}, {"counts": [[1]]}, False),
        ("c", {"players": "[2]"}, {"counts": [[1]]}, False),
        ("c", {}, {"counts": [[1]]}, False),
        ("c", {"players": "[1]"}, {}, False),
    ],
)
def test_a_table_is_unchanged_if_all_is_as_it_was(
    context: str, stamps: dict[str, str], values: dict[str, Any], said: bool, tmp_path: Path
) -> None:
    write_memory(tmp_path / "memory.json", Memory("c", {"players": replace(KNOWN, values=values)}))
    memory = read_memory(tmp_path / "memory.json")
    assert bool(memory.unchanged(context, stamps, ["counts"])) == said


def test_an_unknown_state_is_never_equal() -> None:
    memory = Memory("c", {"players": replace(KNOWN, stamp="")})
    assert memory.unchanged("c", {"players": ""}, []) == {}


def test_rows_that_are_too_many_for_a_request_are_read_again() -> None:
    """Then the SQL of the model stands in the statement, and not its rows in a parameter."""
    sent: list[tuple[str, Mapping[str, str]]] = []

    def query(sql: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        sent.append((sql, parameters))
        return [{"text": "x" * 500_000}] * 3

    models = {
        "large": CompiledModel("`p`.`d`.`large`", "select text from `p`.`s`.`source`", (), {"text": "string"}),
        "small": CompiledModel("`p`.`d`.`small`", "select text from `p`.`d`.`large`", ("large",), {"text": "string"}),
    }
    evaluation = Evaluation(models, lambda name: models[name].sql, query)
    evaluation.evaluate("large")
    evaluation.evaluate("small")
    sql, parameters = sent[-1]
    assert "from `p`.`s`.`source`" in sql
    assert "from pulse_large" in sql
    assert parameters == {}


def test_a_pulse_that_does_not_end_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with (
        turn(tmp_path),
        pytest.raises(CannotCheckError, match="Another pulse has been running"),
        turn(tmp_path, longest=0.3),
    ):
        pass
