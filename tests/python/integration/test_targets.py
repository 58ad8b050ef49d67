"""A target is what its profile says, whatever its name is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.support import PROJECT
from trueup.errors import UsageError
from trueup.gateways.connection import Connection
from trueup.gateways.dbt import DbtProject
from trueup.gateways.embedded import Endpoint
from trueup.settings import COMPLETIONS_VARIABLE, IN_FIRESTORE, Settings
from trueup.window import make_window, now

EMBEDDED = {"project": "trueup-local", "token": "t", "method": "oauth-secrets", "api_endpoint": "http://127.0.0.1:9050"}
BIGQUERY = {"project": "company", "method": "oauth"}
PRIVATE = {"api_endpoint": "https://bigquery-company.p.googleapis.com"}
NAMES = ["local", "ci", "prod", "warehouse"]


def target_of(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **profile: Any) -> Connection:
    output = {"type": "bigquery", "dataset": "trueup", "threads": 1, **profile}
    text = yaml.safe_dump({"trueup": {"target": name, "outputs": {name: output}}})
    (folder / "profiles.yml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("DBT_PROFILES_DIR", str(folder))
    return DbtProject(PROJECT, folder / "state", name, {}).connection()


def settings(name: str) -> Settings:
    return Settings(Path("/project"), Path("/project/.trueup"), name, make_window(None, None, None, None, now()))


@pytest.mark.parametrize("name", NAMES)
def test_the_connection_decides_and_not_the_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COMPLETIONS_VARIABLE, raising=False)
    embedded = target_of(name, tmp_path, monkeypatch, **EMBEDDED)
    assert embedded.is_embedded
    assert embedded.endpoint == Endpoint("http://127.0.0.1:9050", "t")
    assert settings(name).on(embedded.is_embedded).completions == Path("/project/.trueup/completions.db")
    for profile in (BIGQUERY, {**BIGQUERY, **PRIVATE}):
        bigquery = target_of(name, tmp_path, monkeypatch, **profile)
        assert not bigquery.is_embedded
        placed = settings(name).on(bigquery.is_embedded)
        assert (placed.is_embedded, placed.completions, placed.documents) == (False, None, "Firestore")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("profile", [{**EMBEDDED, "project": "company"}, {**BIGQUERY, "project": "trueup-local"}])
def test_a_contradicting_profile_is_refused(
    name: str, profile: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="contradicts itself"):
        target_of(name, tmp_path, monkeypatch, **profile)


def test_documents_elsewhere_than_the_tables_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv(COMPLETIONS_VARIABLE, "some.db")
    with pytest.raises(UsageError, match="is BigQuery"):
        settings("local").on(is_embedded=False)
    monkeypatch.setenv(COMPLETIONS_VARIABLE, IN_FIRESTORE)
    with pytest.raises(UsageError, match="names Firestore"):
        settings("prod").on(is_embedded=True)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    assert settings("prod").on(is_embedded=True).completions is None


def test_only_the_embedded_warehouse_has_no_enforced_contracts() -> None:
    """It cannot enforce them; see docs/explanation/decisions. BigQuery does, under any name of the target."""
    files = [path.read_text(encoding="utf-8") for path in (PROJECT / "models").rglob("*.yml")]
    enforced = [line.split(":", 1)[1].strip() for text in files for line in text.splitlines() if "enforced:" in line]
    assert len(enforced) == 13
    assert set(enforced) == {"\"{{ target.project != 'trueup-local' }}\""}


def test_a_missing_project_is_reported_before_missing_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TRUEUP_PROJECT", raising=False)
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UsageError, match="has no project") as raised:
        DbtProject(PROJECT, tmp_path / "state", "prod", {}).connection()
    assert "TRUEUP_PROJECT" in raised.value.hint
