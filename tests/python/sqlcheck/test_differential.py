"""Every model gives the same rows on both engines, and planted differences are found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.nights import moved, placed, scenario_of, together
from helpers.support import PROJECT
from sqlcheck.differential import (
    DIFFERENT,
    NOT_COMPARED,
    SAME,
    Compared,
    Quiet,
    compare_scenario,
    exit_code,
    main,
    stale,
)
from sqlcheck.differential_exceptions import Exceptions, read_exceptions
from sqlcheck.differential_scenario import BuiltModel, BuiltScenario, TableReader, built
from sqlcheck.reference import Reference
from trueup.gateways.connection import embedded_connection
from trueup.gateways.embedded import PROJECT as WAREHOUSE_PROJECT
from trueup.gateways.embedded import Endpoint
from trueup.gateways.warehouse import Warehouse
from trueup.runs.loading import DATASET
from trueup.scenario.scenario import Scenario
from trueup.schemas import read_table_schemas

pytestmark = pytest.mark.slow

SCHEMAS = read_table_schemas(PROJECT / "models")
# Together, these nights give every model rows. On the first two the clocks change.
CLOCK_CHANGES = ("dst-fall-back", "dst-spring-forward")
FAULTS = (
    *("null-key", "tied-newest", "two-game-ids", "poorer-newest"),
    *("scraper-silent", "scraper-failed", "partial-arrival", "impossible-values", "lost-game", "preseason-abroad"),
    "incident-2026-02-03",
)


def all_nights() -> Scenario:
    """The golden nights in one warehouse, each fault one week before the previous one."""
    first, last = map(scenario_of, CLOCK_CHANGES)
    # The first and last nights keep their days; no two nights share a game.
    shifts = [(first, 0, 20_000), (last, 0, 30_000)]
    shifts += [(one, -7 * weeks, 1000 * weeks) for weeks, one in enumerate(map(scenario_of, FAULTS))]
    tables, documents = together(placed(one, days, games) for one, days, games in shifts)
    return replace(
        last,
        name="all-nights",
        first_date=first.first_date,
        tables=tables,
        documents=documents,
        expectations=True,
        seeds=scenario_of("waived-verdicts").seeds,
    )


@pytest.fixture(scope="module")
def nights(endpoint: Endpoint) -> Iterator[BuiltScenario]:
    assert endpoint
    with built(all_nights(), PROJECT, Quiet()) as scenario:
        # Read now, because another scenario may be loaded during the comparison.
        for name in {name for model in scenario.models for name in (model.relation, *model.inputs)}:
            scenario.read(name)
        yield scenario


def test_every_model_gives_the_same_rows_on_both_engines(nights: BuiltScenario, reference: Reference) -> None:
    exceptions = read_exceptions()
    outcomes = list(compare_scenario(nights, reference, exceptions))
    wrong = [str(one) for one in outcomes if one.status in ("differs", "not run")]
    assert not wrong, "\n".join(wrong)
    assert stale(outcomes, exceptions) == []
    assert exit_code(outcomes, []) == SAME
    assert {one.model for one in outcomes} == {path.stem for path in (PROJECT / "models").rglob("*.sql")}
    # Each model must have rows to compare.
    assert not [one.model for one in outcomes if not one.row_count]


# Changes to the SQL of one model on one engine: of a row, a NULL, a number, a timestamp or a type.
PLANTS = [
    ("stg_nba_raw__nbac_schedule", "{sql} limit 3"),
    ("stg_nba_analytics__player_game_summary", "select * replace (coalesce(points, 0) as points) from ({sql})"),
    ("stg_nba_reference__processor_run_history", "{sql} union all {sql}"),
    ("scraper_lateness", "select * replace (timestamp_add(due_at, interval 1 microsecond) as due_at) from ({sql})"),
    ("service_levels", "select * replace (value + 0.001 as value) from ({sql})"),
    ("games", "select *, 1 as one_more from ({sql})"),
    ("game_days", "select * except (game_date), cast(game_date as string) as game_date from ({sql})"),
    ("row_fingerprints", "select * replace (left(row_hash, 1) as row_hash) from ({sql})"),
    ("slo_alerts", "select * replace (replace(detail, 'metric', 'Metric') as detail) from ({sql})"),
]


@pytest.mark.parametrize(("name", "plant"), PLANTS)
def test_a_planted_difference_is_found(nights: BuiltScenario, reference: Reference, name: str, plant: str) -> None:
    model = next(one for one in nights.models if one.name == name)
    # In parentheses, because a model may start with `with`.
    planted = replace(model, sql=plant.format(sql=f"(\n{model.sql}\n)"))
    (outcome,) = compare_scenario(replace(nights, models=(planted,)), reference, read_exceptions())
    assert outcome.status == "differs", outcome


def test_another_time_zone_is_found(nights: BuiltScenario, reference: Reference) -> None:
    model = next(one for one in nights.models if one.name == "scraper_lateness")
    assert "'America/New_York')" in model.sql
    planted = replace(model, sql=model.sql.replace("'America/New_York')", "'America/Chicago')"))
    (outcome,) = compare_scenario(replace(nights, models=(planted,)), reference, Exceptions())
    assert outcome.status == "differs"


# Known bugs of the embedded warehouse, which show that two engines run the same text.
@pytest.mark.parametrize(
    ("expression", "embedded", "reference_says"),
    [("cast(2.5 as int64)", "x=2", "x=3"), ("cast(numeric '12.50' as string)", "x=12.500000000", "x=12.5")],
)
def test_a_bug_of_the_embedded_warehouse_is_found(
    endpoint: Endpoint, reference: Reference, expression: str, embedded: str, reference_says: str
) -> None:
    sql = f"select {expression} as x"
    with Warehouse(embedded_connection(endpoint, "planted", WAREHOUSE_PROJECT)) as warehouse:
        warehouse.client.create_dataset(f"{WAREHOUSE_PROJECT}.planted", exists_ok=True)
        relation = f"{WAREHOUSE_PROJECT}.planted.model"
        try:
            warehouse.query(f"create or replace table `{relation}` as {sql}")
            model = BuiltModel("planted", sql, relation, ())
            scenario = BuiltScenario("planted", (model,), (), TableReader(warehouse))
            (outcome,) = compare_scenario(scenario, reference, Exceptions())
        finally:
            warehouse.drop_dataset("planted")
    assert outcome.status == "differs"
    assert f"embedded  {embedded}" in outcome.lines
    assert f"reference {reference_says}" in outcome.lines


def test_a_model_that_the_reference_cannot_run_fails_unless_it_is_listed(
    nights: BuiltScenario, reference: Reference
) -> None:
    model = next(one for one in nights.models if one.name == "games")
    cannot = replace(nights, models=(replace(model, sql="select approx_count_distinct(1) as n"),))
    (outcome,) = compare_scenario(cannot, reference, Exceptions())
    assert (outcome.status, exit_code([outcome], [])) == ("not run", NOT_COMPARED)
    written = Exceptions(not_executed={"games": "APPROX functions"})
    (outcome,) = compare_scenario(cannot, reference, written)
    assert (outcome.status, exit_code([outcome], [])) == ("excepted", SAME)
    (outcome,) = compare_scenario(replace(nights, models=(model,)), reference, written)
    assert outcome.status == "differs"
    assert "remove it from the list" in outcome.lines[0]


def test_a_model_without_a_table_or_left_out_does_not_pass(nights: BuiltScenario, reference: Reference) -> None:
    model = replace(nights.models[0], relation=f"{WAREHOUSE_PROJECT}.{DATASET}.nothing")
    outcomes = list(compare_scenario(replace(nights, models=(model,), unbuilt=("other",)), reference, Exceptions()))
    assert [one.status for one in outcomes] == ["not run", "not run"]
    assert exit_code(outcomes, []) == NOT_COMPARED


def test_an_exception_that_is_not_needed_is_reported() -> None:
    outcomes = [Compared("s", "m", "same", 3), Compared("s", "empty", "same", 0)]
    exceptions = Exceptions(
        not_executed={"gone": "r"}, as_json={("m", "a"): "r", ("empty", "a"): "r", ("gone", "b"): "r"}
    )
    assert [line.split(":")[0] for line in stale(outcomes, exceptions)] == ["gone", "m.a"]
    assert stale([replace(outcomes[0], used=frozenset({("m", "a")}))], Exceptions(as_json={("m", "a"): "r"})) == []
    assert exit_code(outcomes, ["m.a: …"]) == DIFFERENT


def test_nothing_compared_does_not_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code([], []) == NOT_COMPARED
    assert main([str(tmp_path)]) == NOT_COMPARED
    assert "cenario" in capsys.readouterr().err


def test_the_nights_are_on_different_days() -> None:
    scenario = all_nights()
    days = {row["game_date"] for row in scenario.tables["nba_analytics.player_game_summary"]}
    assert len(days) == len(CLOCK_CHANGES) + len(FAULTS)
    assert {"2025-11-01", "2025-12-23", "2026-02-03", "2026-03-07"} <= days
    assert (str(scenario.first_date), str(scenario.last_date)) == ("2025-11-01", "2026-03-07")


def test_a_day_is_moved_in_every_text() -> None:
    row = {"day": "2026-03-01", "game_id": "20260301_BOS", "at": "2026-03-01T05:00:00Z", "n": 1, "id": "0022500501"}
    there = {"day": "2026-02-28", "game_id": "20260228_BOS", "at": "2026-02-28T05:00:00Z", "n": 1}
    assert moved((row,), -1) == ({**there, "id": "0022500501"},)
    assert moved((row,), -1, 1000) == ({**there, "id": "0022501501"},)
