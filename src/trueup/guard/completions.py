"""The completion of a night, reported by any number of writers at once: nothing is lost, phase 4 is started once."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from trueup.completion.claim import CLAIMS
from trueup.completion.document import DEFAULT_MODE, FAILURES, Document, Unreadable, read_document
from trueup.completion.roster import Roster
from trueup.completion.rule import CompletionRule
from trueup.completion.store import DOCUMENTS, SERVER_TIME, Snapshot
from trueup.errors import CompletionsError, ConflictError, UnfinishedReportError, UsageError
from trueup.gateways.firestore import Client, FirestoreCompletions, at_least
from trueup.guard.reports import Report, checked_report
from trueup.guard.starting import Publish, Starter, publishing
from trueup.plain import shown

_ATTEMPTS = 6


@dataclass(frozen=True)
class Outcome:
    """What is true after a report. ``completed_count``: processors that have delivered, of any mode.

    ``is_complete``: the completion rule is satisfied for the document's mode. ``has_started_next``: this very call sent
    the message that starts phase 4.
    """

    completed_count: int
    is_complete: bool
    has_started_next: bool


class Completions:
    """The completion documents ``phase3_completion/{YYYY-MM-DD}``, for those that report into them.

    ``client``: a google.cloud.firestore.Client. ``roster``: the seed ``processor_roster``, as ``Roster.read`` reads it.
    ``publish``: sends the message that starts phase 4; takes the message (a dict for JSON) and its attributes (texts),
    and returns the id of the sent message. It must raise unless the message is stored, and end within ``lease``.
    ``rule``: when a night is complete; the same as the var of ``trueup reconcile``. ``actor``: named in the message.
    ``lease``: after this time another one may start phase 4, if the one that began to do so was killed.
    ``patience``: how long a report waits for another one that is starting phase 4.

    One instance serves any number of threads.
    """

    def __init__(
        self,
        client: Client,
        roster: Roster,
        publish: Publish,
        *,
        rule: CompletionRule | None = None,
        actor: str = "trueup.guard",
        lease: timedelta = timedelta(minutes=1),
        patience: timedelta = timedelta(seconds=10),
    ) -> None:
        _check_settings(roster, publish, rule, actor, lease, patience)
        self._roster, self._rule = roster, rule or CompletionRule()
        self._documents = FirestoreCompletions.of(client, DOCUMENTS)
        self._starter = Starter(
            documents=self._documents,
            claims=FirestoreCompletions.of(client, CLAIMS),
            publish=publishing(publish),
            roster=roster,
            rule=self._rule,
            actor=actor,
            lease=lease,
            patience=patience,
        )

    def report(
        self,
        game_date: str | date,
        processor: str,
        *,
        status: str,
        record_count: int | None = None,
        execution_id: str | None = None,
        correlation_id: str | None = None,
        is_incremental: bool | None = None,
        entities_changed: Mapping[str, list[str]] | None = None,
        completed_at: datetime | None = None,
        mode: str | None = None,
    ) -> Outcome:
        """Store that a processor has ended, and start phase 4 if the night is complete.

        ``game_date``: the Eastern date, YYYY-MM-DD. ``processor``: a name of the roster, or its class-style name.
        ``status``: success, complete, completed and partial say that it has delivered; all else is a failure, which
        takes no delivery back and is kept beside it. ``record_count``: the distinct keys that the table has for the
        date. ``entities_changed``: names, under ``players`` and ``teams``. ``completed_at``: with a time zone; default:
        the store's time of this call. Pass it if the report may come twice, or late. ``mode``:
        of the run; without it, the nightly one. Once a report of the nightly mode has come, the document stays in it.

        The report may be repeated: the last one to come is the entry, and the others change nothing else.

        Raises UsageError for a wrong argument, and CompletionsError if Firestore refuses or does not answer: then
        nothing of the report is written, or it is unknown whether it is. Raises UnfinishedReportError or PublishError
        if the report is stored, but not what follows from it. After any error but UsageError report again, and do not
        acknowledge the message that brought it.
        """
        report = checked_report(
            self._roster,
            game_date,
            processor,
            status,
            completed_at,
            mode,
            record_count=record_count,
            execution_id=execution_id,
            correlation_id=correlation_id,
            is_incremental=is_incremental,
            entities_changed=entities_changed,
        )
        self._store(report)
        try:
            snapshot = self._read(report.document_id)
            if not report.is_delivered:
                snapshot = self._show_failure(report, snapshot)
            return self._derive(self._readable(self._with_mode(report, snapshot)))
        except UnfinishedReportError:
            raise
        except CompletionsError as error:
            raise UnfinishedReportError(
                f"The report is stored. {error.message}", f"{error.hint} Then report again."
            ) from error

    def _store(self, report: Report) -> None:
        """One merge of the processor's own field, without a read before it: there is nothing to conflict with.

        A report of the nightly mode says so, whatever the document said: a run before the games, which may come late,
        does not make the night smaller.
        """
        entry = {**report.values, "completed_at": report.completed_at or SERVER_TIME}
        if not report.is_delivered and report.completed_at is not None and self._has_later_failure(report):
            return
        if report.is_delivered:
            fields: dict[str, Any] = {report.processor: entry}
            paths: list[tuple[str, ...]] = [(report.processor,)]
        else:
            fields = {FAILURES: {report.processor: entry}}
            paths = [(FAILURES, report.processor)]
        if report.mode in (None, DEFAULT_MODE):
            fields["_mode"] = DEFAULT_MODE
            paths.append(("_mode",))
        self._documents.merge(report.document_id, fields, paths)

    def _has_later_failure(self, report: Report) -> bool:
        """Whether an old failure has come again, and a later one of the processor is stored."""
        found = self._documents.read([report.document_id]).get(report.document_id)
        failures = found.fields.get(FAILURES) if found else None
        stored = failures.get(report.processor) if isinstance(failures, Mapping) else None
        at = stored.get("completed_at") if isinstance(stored, Mapping) else None
        return isinstance(at, datetime) and report.completed_at is not None and at > report.completed_at

    def _with_mode(self, report: Report, snapshot: Snapshot) -> Snapshot:
        """Write the mode of a run that is not the nightly one, if all reports so far are of such runs."""
        for attempt in range(_ATTEMPTS):
            if report.mode in (None, DEFAULT_MODE) or not _is_of_smaller_runs(snapshot.fields):
                return snapshot
            if snapshot.fields.get("_mode") == report.mode:
                return snapshot
            # With a condition: a report of the nightly mode that comes meanwhile must not be overwritten.
            with suppress(ConflictError):
                self._documents.update(report.document_id, {"_mode": report.mode}, snapshot.update_time)
                return self._read(report.document_id)
            time.sleep(random.uniform(0, 0.05 * 2**attempt))
            snapshot = self._read(report.document_id)
        raise UnfinishedReportError("The report is stored, but others changed the document's mode.", "Report again.")

    def _derive(self, document: Document) -> Outcome:
        """Write what follows from the document. Whoever merged last has read all reports, so the count is theirs: a
        smaller one that comes later does not lower it.
        """
        delivered = document.delivered(self._roster)
        derived = {"_completed_count": at_least(len(delivered)), "_last_update": SERVER_TIME}
        self._documents.merge(document.document_id, derived, [(name,) for name in derived])
        expected = self._roster.expected(document.mode)
        is_complete = self._rule.is_satisfied(expected, [one for one in expected if one.processor_name in delivered])
        has_started = is_complete and not document.is_triggered and self._starter.start(document.document_id)
        return Outcome(len(delivered), is_complete, has_started)

    def _show_failure(self, report: Report, snapshot: Snapshot) -> Snapshot:
        """Copy the failure to the processor's entry, where readers look for it, unless a delivery is there."""
        for attempt in range(_ATTEMPTS):
            document = read_document(snapshot, self._roster)
            failures = snapshot.fields.get(FAILURES)
            entry = failures.get(report.processor) if isinstance(failures, Mapping) else None
            if isinstance(document, Unreadable) or entry is None or document.has_delivered(report.processor):
                break
            try:
                self._documents.update(report.document_id, {report.processor: entry}, snapshot.update_time)
            except ConflictError:
                time.sleep(random.uniform(0, 0.05 * 2**attempt))
            snapshot = self._read(report.document_id)
            if snapshot.fields.get(report.processor) == entry:
                break
        return snapshot

    def _read(self, document_id: str) -> Snapshot:
        found = self._documents.read([document_id]).get(document_id)
        if found is None:
            raise UnfinishedReportError(f"{DOCUMENTS}/{document_id} was deleted during the report.", "Report again.")
        return found

    def _readable(self, snapshot: Snapshot) -> Document:
        document = read_document(snapshot, self._roster)
        if isinstance(document, Unreadable):
            raise UnfinishedReportError(
                f"The report is stored, but {DOCUMENTS}/{snapshot.document_id} cannot be read, so nothing was counted: "
                f"{'; '.join(document.problems[:3])}.",
                "Correct the document (or the roster), then report again.",
            )
        return document


def _is_of_smaller_runs(fields: Mapping[str, Any]) -> bool:
    """Whether every report names a mode, and none the nightly one. Reports of other writers name none."""
    failures = fields.get(FAILURES)
    kept = failures.values() if isinstance(failures, Mapping) else ()
    entries = [*(one for key, one in fields.items() if not key.startswith("_")), *kept]
    modes = {one.get("mode") if isinstance(one, Mapping) else None for one in entries}
    return not modes & {None, DEFAULT_MODE} and fields.get("_mode") != DEFAULT_MODE


def _check_settings(roster: Any, publish: Any, rule: Any, actor: Any, lease: Any, patience: Any) -> None:
    """Raise UsageError before anything is stored, not at the last report of a night."""
    if not isinstance(roster, Roster) or not roster.entries:
        raise UsageError("The roster names no processor.", 'Read it: Roster.read("processor_roster.csv").')
    if odd := sorted(name for name in roster.processors if not name or name.startswith("_")):
        raise UsageError(f"The roster has the processor {odd[0]!r}.", "Names must not begin with _, which is metadata.")
    if not callable(publish):
        raise UsageError(f"publish is {shown(publish)}, expected a function.", "Pass publish(message, attributes).")
    if rule is not None and not isinstance(rule, CompletionRule):
        raise UsageError(f"The rule is {shown(rule)}.", 'Pass CompletionRule("seed") or CompletionRule("graceful").')
    if not isinstance(actor, str) or not actor.strip() or not actor.isprintable():
        raise UsageError(f"The actor is {shown(actor)}.", "Pass a name that tells who starts phase 4.")
    if not isinstance(lease, timedelta) or lease < timedelta(0):
        raise UsageError(f"The lease is {shown(lease)}.", "Pass a timedelta, longer than publish takes.")
    if not isinstance(patience, timedelta) or patience < timedelta(0):
        raise UsageError(f"The patience is {shown(patience)}.", "Pass a timedelta.")
