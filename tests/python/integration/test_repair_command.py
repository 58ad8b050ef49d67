"""`trueup reconcile` on the incident, as an engineer on call runs it: preview, repair, verify, look back."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from helpers.command_line import trueup
from helpers.emulators import Google
from helpers.platforms import Embedded, Platform
from helpers.replaying import Silent
from helpers.support import PROJECT, SCENARIOS
from trueup.completion.encoding import decode_document
from trueup.completion.store import DOCUMENTS
from trueup.runs.session import session_environment
from trueup.settings import COMPLETIONS_VARIABLE, IN_FIRESTORE

pytestmark = pytest.mark.slow

KEY = "2026-02-03"
WINDOW = ("--first-date", KEY, "--last-date", KEY)
INCIDENT = SCENARIOS / "incident-2026-02-03"


@dataclass
class Session:
    """A loaded warehouse, the documents beside it, and the command line."""

    environment: Mapping[str, str]
    platform: Platform

    def trueup(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return trueup(PROJECT, "reconcile", *arguments, **self.environment)

    def document(self) -> dict[str, Any]:
        with closing(self.platform.collection(DOCUMENTS)) as store:
            return dict(store.read([KEY])[KEY].fields)


@contextmanager
def on_the_incident(state_dir: Path) -> Iterator[Session]:
    with session_environment(INCIDENT, PROJECT, state_dir, Silent()) as environment:
        yield Session(environment, Embedded(Path(environment[COMPLETIONS_VARIABLE])))


@pytest.fixture(params=["embedded", "google"])
def incident(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The incident's tables in an embedded warehouse; its documents embedded, or in Google's Firestore emulator."""
    monkeypatch.delenv("TRUEUP_BIGQUERY_ENDPOINT", raising=False)
    with on_the_incident(tmp_path) as session:
        if request.param == "embedded":
            yield session
            return
        platform: Google = request.getfixturevalue("google")
        raw = json.loads((INCIDENT / "documents" / DOCUMENTS / f"{KEY}.json").read_text(encoding="utf-8"))
        with closing(platform.collection(DOCUMENTS)) as store:
            store.replace(KEY, decode_document(raw, KEY))
        there = {COMPLETIONS_VARIABLE: IN_FIRESTORE, "TRUEUP_FIRESTORE_PROJECT": platform.project}
        yield Session({**session.environment, **there}, platform)


def test_preview_repair_verify_and_history(incident: Session) -> None:
    before = incident.document()

    preview = incident.trueup(*WINDOW)
    assert preview.returncode == 1
    plain = " ".join(preview.stdout.split())
    assert "DONE001 2026-02-03 set _completed_count: 3 → 5" in plain
    assert "TRIG001 2026-02-03 start phase 4 of 2026-02-03" in plain
    assert "player_game_summary has 72 duplicate rows" in plain
    assert "the same command with --fix" in plain
    assert incident.document() == before
    assert incident.platform.received() == []

    fixed = incident.trueup(*WINDOW, "--fix", "--format", "json")
    told = json.loads(fixed.stdout)
    # What was late stays late: phase 4 was started more than 30 minutes after the night was complete.
    assert fixed.returncode == 1
    assert {one["rule"] for one in told["findings"]} == {"TRIG002"}
    assert [(one["rule"], one["state"]) for one in told["steps"]] == [("DONE001", "applied"), ("TRIG001", "applied")]
    assert (told["steps"][0]["before"], told["steps"][0]["after"]) == (3, 5)
    assert told["plan"][0]["document"] == KEY
    after = incident.document()
    assert {key for key in after if after[key] != before.get(key)} == {
        *("_completed_count", "_triggered", "_triggered_at", "_trigger_reason"),
    }
    ((message, attributes),) = incident.platform.received()
    assert message["upstream_processors_count"] == 5
    assert attributes["idempotency_key"] == told["steps"][1]["after"]["idempotency_key"]

    again = incident.trueup(*WINDOW, "--fix")
    assert "nothing to repair" in again.stdout
    assert incident.document() == after
    assert incident.platform.received() == []

    history = incident.trueup(*WINDOW, "--history", "--format", "json")
    assert history.returncode == 0
    rows = json.loads(history.stdout)
    assert [(row["rule"], row["state"]) for row in rows] == [
        *(("DONE001", "started"), ("TRIG001", "started")),
        *(("DONE001", "applied"), ("TRIG001", "applied")),
    ]
    assert {row["actor"] for row in rows} == {message["triggered_by"]}
    if isinstance(incident.platform, Embedded):
        assert "applied" in incident.trueup(*WINDOW, "--history").stdout


def test_a_repair_of_another_time_is_wrong_usage(tmp_path: Path) -> None:
    session = Session({COMPLETIONS_VARIABLE: str(tmp_path / "none.db")}, Embedded(tmp_path / "none.db"))
    said = session.trueup(*WINDOW, "--fix", "--as-of", "2026-02-04T16:00:00-05:00")
    assert said.returncode == 2
    assert "--fix conflicts with --as-of" in said.stderr
    assert session.trueup("--fix", "--history").returncode == 2


def test_documents_that_cannot_be_written_are_could_not_check_and_the_audit_says_what_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRUEUP_BIGQUERY_ENDPOINT", raising=False)
    with on_the_incident(tmp_path) as session:
        file = session.environment[COMPLETIONS_VARIABLE]
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(
                "create trigger locked before insert on documents when new.collection = 'phase3_completion' "
                "begin select raise(abort, 'this database is read-only'); end"
            )
            connection.commit()
        said = session.trueup(*WINDOW, "--fix", "--format", "json")
        rows = json.loads(session.trueup(*WINDOW, "--history", "--format", "json").stdout)
    assert said.returncode == 3
    told = json.loads(said.stdout)
    assert {one["state"] for one in told["steps"]} == {"failed"}
    assert "read-only" in told["problems"][0]
    assert {row["state"] for row in rows} == {"started", "failed"}
