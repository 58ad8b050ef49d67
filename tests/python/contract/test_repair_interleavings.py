"""Processors, the orchestrator, several reconciliations and crashes in any order, on the embedded store.

Hypothesis chooses the order; between any two calls of a reconciliation anybody else may act, or it is killed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from helpers.cases import AS_OF, DEFENSE, FIVE, KEY, NO_ROWS, SILENT, UNDATED, evidence, failures
from helpers.doubles import Killed, around
from helpers.platforms import Embedded
from helpers.repairs import keys_of, repairer, texts_of
from trueup.completion.claim import CLAIMS
from trueup.completion.store import DOCUMENTS, CompletionStore
from trueup.judge.evidence import DayEvidence
from trueup.repair.documents.apply import repair_days

EARLIER = AS_OF - timedelta(hours=3)
UNWRITTEN = {**NO_ROWS, **UNDATED}
ACTIONS = ("none", "none", "none", "killed", "report", "merge", "orchestrate", "reconcile")


class Night(RuleBasedStateMachine):
    """One night: five processors write rows and report, or their report is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.platform = Embedded(Path(self.folder.name) / "completions.db")
        self.store: CompletionStore = self.platform.collection(DOCUMENTS)
        self.store.replace(KEY, {"_completed_count": 0, "_mode": "overnight", "_note": "kept"})
        self.written: set[str] = set()
        self.owners = 0
        self.was_triggered = False
        self.entries: set[str] = set()
        self.sent: list[tuple[dict[str, Any], Mapping[str, str]]] = []

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @property
    def evidence(self) -> DayEvidence:
        return evidence(phase4=SILENT, **{name: UNWRITTEN for name in FIVE if name not in self.written})

    @property
    def fields(self) -> dict[str, Any]:
        return dict(self.store.read([KEY])[KEY].fields)

    @initialize(lost=st.sets(st.sampled_from(FIVE), max_size=2), unwritten=st.sampled_from([*[None] * 8, *FIVE[:2]]))
    def begin(self, lost: set[str], unwritten: str | None) -> None:
        """Most have delivered: a night that begins with nothing is seldom complete within a few steps."""
        for name in FIVE:
            if name != unwritten:
                self.deliver(name, "lost" if name in lost else "report")

    @rule(name=st.sampled_from(FIVE), how=st.sampled_from(["report", "merge", "lost"]))
    def deliver(self, name: str, how: str) -> None:
        self.written.add(name)
        if how != "lost":
            self.report(name, counts=how == "report")

    def report(self, name: str, counts: bool) -> None:
        """By the orchestrator, which counts, or by the second writer, which only merges its own field."""
        if name not in self.written:
            return
        read = self.store.read([KEY])[KEY]
        report = {"status": "success", "record_count": 56, "completed_at": EARLIER}
        delivered = {key for key in read.fields if not key.startswith("_")} | {name}
        count = {"_completed_count": len(delivered)} if counts else {}
        self.store.update(KEY, {name: report, **count}, read.update_time)

    @rule()
    def orchestrate(self) -> None:
        """Starts phase 4 where it sees everything, by its own lights."""
        read = self.store.read([KEY])[KEY]
        if set(FIVE) <= set(read.fields) and read.fields.get("_triggered") is not True:
            started = {"_triggered": True, "_triggered_at": datetime.now(UTC), "_trigger_reason": "all"}
            self.store.update(KEY, started, read.update_time)

    @rule(acts=st.lists(st.sampled_from(ACTIONS), max_size=14), is_patient=st.booleans())
    def reconcile(self, acts: list[str], is_patient: bool) -> None:
        self.run_reconciliation(list(reversed(acts)), timedelta(minutes=5) if is_patient else timedelta(0))

    @rule(calls=st.integers(0, 12), who=st.sampled_from(ACTIONS))
    def reconcile_and_be_killed(self, calls: int, who: str) -> None:
        self.run_reconciliation(["killed", *["none"] * calls, who], timedelta(0))

    def run_reconciliation(self, acts: list[str], lease: timedelta) -> None:
        self.owners += 1
        owner = f"r{self.owners}@host/{self.owners}"

        def act(*_: object) -> None:
            what = acts.pop() if acts else "none"
            if what == "killed":
                raise Killed
            if what in ("report", "merge"):
                self.report(DEFENSE, counts=what == "report")
            elif what == "orchestrate":
                self.orchestrate()
            elif what == "reconcile":
                self.run_reconciliation([], timedelta(0))

        with repairer(self.platform, owner, lease) as whole:
            fused = replace(
                whole,
                documents=around(whole.documents, act),
                claims=around(whole.claims, act),
                topic=around(whole.topic, act),
                pause=lambda _: None,
            )
            try:
                _, trouble = repair_days(fused, [self.evidence], whole.documents.read([KEY]))
                assert trouble == ""
            except Killed:
                pass

    @precondition(lambda self: self.written)
    @rule()
    def reconcile_undisturbed(self) -> None:
        """After a run that nobody disturbs, nothing that can be repaired is wrong."""
        self.run_reconciliation([], timedelta(0))
        found = failures(self.store.read([KEY])[KEY], self.evidence)
        assert not {name for name, _ in found} & {"DONE001", "DONE002", "TRIG001"}
        if set(FIVE) == self.written:
            assert self.fields["_triggered"] is True

    @invariant()
    def nothing_is_lost(self) -> None:
        fields = self.fields
        entries = {key for key in fields if not key.startswith("_")}
        assert self.entries <= entries <= self.written
        assert fields["_note"] == "kept"
        assert fields.get("_triggered") is True or not self.was_triggered
        self.entries, self.was_triggered = entries, fields.get("_triggered") is True

    @invariant()
    def phase_4_is_started_on_all_rows_and_by_one_message(self) -> None:
        self.sent += self.platform.received()
        assert len(keys_of(self.sent)) <= 1
        assert len(texts_of(self.sent)) <= 1
        if self.sent:
            assert set(FIVE) == self.written
        if self.fields.get("_trigger_reason") == "reconciled_all_complete":
            assert self.sent, "said to be started, and no message"
            with_claims = self.platform.collection(CLAIMS)
            assert with_claims.read([KEY])[KEY].fields["state"] == "published"
            with_claims.close()


Night.TestCase.settings = settings(
    max_examples=400, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestNight = Night.TestCase
