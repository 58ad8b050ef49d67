"""Facts that must stand twice are held equal here; a failure says which command or file mends it."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from helpers.support import PROJECT
from trueup.expectations.suites import DeclaredSuite, declared_suites, read_suites
from trueup.repair.documents.steps import AUDIT
from trueup.results.reference import load_reference
from trueup.runs.variables import _NUMBERS
from trueup.schemas import read_table_schemas
from trueup.settings import project_variables

SCHEMAS = read_table_schemas(PROJECT / "models")
ANALYTICS = {schema.table: schema for schema in SCHEMAS.values() if schema.dataset == "nba_analytics"}
REFERENCE = load_reference(PROJECT / "seeds")


def text(path: str) -> str:
    return (PROJECT / path).read_text(encoding="utf-8")


def contract(table: str) -> dict[str, Any]:
    model: dict[str, Any] = yaml.safe_load(text(f"models/marts/{table}_latest.yml"))["models"][0]
    return model


def literals(sql: str, argument: str) -> list[str]:
    found = re.search(rf"{argument}=(\[[^\]]*\]|'[^']*')", sql)
    assert found, f"keep_latest(... {argument}=...) is not there"
    return re.findall(r"'([^']*)'", found.group(1))


@pytest.mark.parametrize("table", ANALYTICS)
def test_source_model_contract_test_and_expectations_agree_on_a_table(table: str) -> None:
    schema = ANALYTICS[table]
    grain, newest_by = list(schema.meta["grain"]), schema.meta["newest_by"]
    where = f"correct models/staging/nba_analytics/_sources.yml or what differs from it, for {table}"

    model = text(f"models/marts/{table}_latest.sql")
    assert literals(model, "grain") == grain, where
    assert literals(model, "newest_by") == [newest_by], where
    assert f"'field': '{schema.partition_column}'" in model, where

    declared = contract(table)
    (tested,) = (one["well_formed"] for one in declared["data_tests"] if "well_formed" in one)
    assert tested["arguments"]["grain"] == grain, where
    assert {c["name"]: c["data_type"] for c in declared["columns"]} == dict(schema.columns), where
    assert declared["latest_version"] == 1

    suite = json.loads(text(f"expectations/{table}_latest.json"))
    (compound,) = (
        one["kwargs"]["column_list"]
        for one in suite["expectations"]
        if one["type"] == "expect_compound_columns_to_be_unique"
    )
    assert compound == grain, where


def test_the_staging_models_are_partitioned_like_their_sources() -> None:
    staging = yaml.safe_load(text("dbt_project.yml"))["models"]["trueup"]["staging"]
    for schema in read_table_schemas(PROJECT / "models").values():
        if schema.dataset != "trueup":
            folder = staging[schema.dataset]
            by = folder.get(f"stg_{schema.dataset}__{schema.table}", folder)["+partition_by"]
            wanted = {"field": schema.partition_column, "data_type": schema.columns[schema.partition_column]}
            assert by == wanted, schema.name


def test_every_suite_is_declared_beside_what_it_examines() -> None:
    suites = {DeclaredSuite(one.table, one.rule) for one in read_suites(PROJECT / "expectations")}
    assert set(declared_suites(PROJECT / "models")) == suites, (
        "correct config.meta.suite beside the model; of completion_verdicts in models/staging/trueup/_sources.yml"
    )


@pytest.mark.parametrize("table", ANALYTICS)
def test_what_is_declared_of_a_table_names_its_columns(table: str) -> None:
    schema = ANALYTICS[table]
    meta = schema.meta
    named = [*meta["grain"], meta["newest_by"], meta["entity"], *meta["measures"], *meta["bookkeeping"]]
    assert set(named) <= set(schema.columns)
    assert meta["expects_games"] in ("final", "scheduled")
    assert not set(meta["measures"]) & set(meta["bookkeeping"])


def test_the_roster_names_the_analytics_tables() -> None:
    assert {entry.table_name for entry in REFERENCE.roster.entries} == set(ANALYTICS)


def test_every_source_is_looked_for_and_staged() -> None:
    listed = project_variables(PROJECT)["source_tables"]
    declared: dict[str, list[str]] = {}
    for schema in SCHEMAS.values():
        if schema.name == AUDIT:  # written for people; no model reads it
            continue
        staged = PROJECT / f"models/staging/{schema.dataset}/stg_{schema.dataset}__{schema.table}.sql"
        assert staged.is_file()
        if schema.dataset != "trueup":
            declared.setdefault(schema.dataset, []).append(schema.table)
    assert listed == declared, "correct the var source_tables in dbt_project.yml"
    for model in ("models/quality/sources/source_coverage.sql", "models/staging/stg_undated_rows.sql"):
        assert "in platform_sources()" in text(model)


def test_every_rule_is_tested_by_dbt_and_listed_in_the_readme() -> None:
    outcomes = yaml.safe_load(text("models/reporting/rule_outcomes.yml"))["models"][0]
    tested = {t["no_findings"]["arguments"]["rule"] for t in outcomes["data_tests"] if "no_findings" in t}
    assert tested == {code for code in REFERENCE.rules if code != "EXP004" and not code.startswith("SLO")}
    told = re.findall(r"^\| `([A-Z]+\d+)` \| (.+?) \| (.+?) \|$", text("README.md"), re.MULTILINE)
    assert told == [(rule.code, rule.title, rule.severity) for rule in REFERENCE.rules.values()], (
        "the rules table of README.md differs from seeds/rules.csv"
    )


def test_every_model_of_one_rule_names_its_rule() -> None:
    for path in (PROJECT / "models").rglob("*.yml"):
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", []):
            code = model["name"].split("_")[0].upper()
            if code in REFERENCE.rules:
                assert model["config"]["meta"]["rule"] == code
                sql = path.with_suffix(".sql").read_text(encoding="utf-8")
                assert f"'{code}' as rule" in sql


def test_every_model_has_a_description_beside_it() -> None:
    for path in (PROJECT / "models").rglob("*.sql"):
        declared = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))["models"][0]
        assert declared["name"] == path.stem
        assert declared["description"]


def test_what_the_stories_read_of_a_detail_is_written_by_a_rule() -> None:
    told = text("src/trueup/reporting/stories/links.py") + text("src/trueup/reporting/stories/titles.py")
    read = set(re.findall(r"""(?:_moment|_names|detail_number)\(\w+, "(\w+)"\)|detail(?:\.get\(|\[)"(\w+)\"""", told))
    models = (*(PROJECT / "models").rglob("*.sql"), *(PROJECT / "macros").glob("*.sql"))
    sql = "\n".join(path.read_text(encoding="utf-8") for path in models)
    judges = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "src/trueup/judge").glob("*.py"))
    names = {name for pair in read for name in pair if name}
    assert {"due_games", "expected_games", "cause", "reported"} <= names, "the pattern of this test is out of date"
    gone = {name for name in names if not re.search(rf"\bas {name}\b", sql) and f'"{name}"' not in judges}
    assert not gone, f"no rule writes {', '.join(sorted(gone))} into its detail: correct src/trueup/reporting/stories"


def test_the_reference_lists_every_command_and_no_other() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "trueup.cli.main", "--help"], capture_output=True, text=True, check=True
    ).stdout
    commands = re.findall(r"^    (\w+)(?: |$)", said, re.MULTILINE)
    assert set(commands) >= {"check", "demo", "local", "reconcile", "replay", "report"}
    listed = re.findall(r"^\| `trueup (\w+)", text("docs/reference/commands.md"), re.MULTILINE)
    assert set(listed) == set(commands), "correct the table of docs/reference/commands.md"


def test_the_page_on_service_levels_has_the_metrics_and_the_objective() -> None:
    page = text("docs/how-to/service-levels.md")
    targets = csv.DictReader(text("seeds/service_level_targets.csv").splitlines())
    told = re.findall(r"^\| \[(SLO\d+)\]\([^)]+\) \| `(\w+)` \|", page, re.MULTILINE)
    assert told == [(one["rule"], one["metric"]) for one in targets], "correct docs/how-to/service-levels.md"
    least, most = _NUMBERS["service_level_objective"]
    value = project_variables(PROJECT)["service_level_objective"]
    assert f"{value} (percent; {least:g} to {most:g})" in page, "correct docs/how-to/service-levels.md"


def test_every_macro_is_described() -> None:
    described = {one["name"] for one in yaml.safe_load(text("macros/_macros.yml"))["macros"]}
    written = {
        name
        for path in (PROJECT / "macros").glob("*.sql")
        for name in re.findall(r"{% macro (\w+)\(", path.read_text(encoding="utf-8"))
    }
    assert described == written, "correct macros/_macros.yml"


def test_what_could_not_check_md_quotes_is_what_trueup_says() -> None:
    files = [path for pattern in ("src/**/*.py", "models/**/*.sql", "macros/*.sql") for path in PROJECT.glob(pattern)]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    source = re.sub(r"""("\s+f?"|', \w+[^']*, ')""", "", source)  # texts that are written in pieces
    source = " ".join(re.sub(r"{[^{}]*}", "…", source).split())
    rows = [
        line.split("|")[1] for line in text("docs/reference/could-not-check.md").splitlines() if line.startswith("| `")
    ]
    assert len(rows) > 15
    quotes = [quote for row in rows for quote in re.findall(r"`([^`]+)`", row)]
    # What stands before the reason is printed by the terminal, which names the rules there.
    reasons = [re.sub(r"^could not check\b[^:]*(: |$)", "", quote) for quote in quotes]
    gone = [part for one in reasons for part in one.split("…") if len(part) > 8 and part.strip(" :") not in source]
    assert gone == [], "correct docs/reference/could-not-check.md"
