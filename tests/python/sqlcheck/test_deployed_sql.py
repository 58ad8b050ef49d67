"""BigQuery's analyzer takes what deploy/apply.sh sends: datasets, grants, and the view that SLO004 reads."""

from __future__ import annotations

import re

import pytest

from helpers.deployed import Deployment
from sqlcheck.catalog import Catalog, table_of
from sqlcheck.checker import Checker
from sqlcheck.engine import Engine

LABELS = "service_name string, project_id string, location string, revision_name string"
LOG = {
    "timestamp": "timestamp",
    "severity": "string",
    "textPayload": "string",
    "resource": f"struct<type string, labels struct<{LABELS}>>",
}
TABLES = {f"my-nba.orchestrator_logs.run_googleapis_com_{stream}": table_of(LOG) for stream in ("stderr", "stdout")}


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    done, commands = Deployment.make(tmp_path_factory.mktemp("sql")).apply("--apply", FAKE_CLOUD_LOGS="stderr stdout")
    assert done.returncode == 0, done.stderr
    return [one.words[-1] for one in commands if one.words[0] == "bq" and "query" in one.words]


def test_every_statement_is_accepted(engine: Engine, statements: list[str]) -> None:
    assert len(statements) > 8
    checker = Checker(engine, Catalog(TABLES, default_project="my-nba"))
    # The analyzer's grammar has privileges where BigQuery's has roles; the rest of a GRANT is the same.
    granting = [re.sub("^grant `roles/[a-zA-Z.]+`", "grant select", sql) for sql in statements]
    assert sum(sql.startswith("grant select on schema ") for sql in granting) > 5
    assert {sql: found for sql in granting if (found := checker.check(sql).errors)} == {}


def test_a_column_that_the_log_has_not_is_refused(engine: Engine, statements: list[str]) -> None:
    (view,) = (sql for sql in statements if "view" in sql)
    checker = Checker(engine, Catalog(TABLES, default_project="my-nba"))
    assert checker.check(view.replace("labels.service_name", "labels.servce_name")).errors
