"""Compares a report with the sent findings: what is new, worse or resolved since the last message. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from trueup.reporting.alerts.state import MOST_ROWS, Pulsed, Row, Sent, finite, kept, row_text
from trueup.results.finding import SEVERITIES, Finding
from trueup.results.outcome import RuleOutcome
from trueup.results.report import Report
from trueup.window import EASTERN

# The rule of the item that stands for everything that could not be checked.
COULD_NOT_CHECK = "could_not_check"
# More wrong rows are worse. Minutes late grow with time alone, so more minutes are not worse.
_COUNTED = ("DUP", "DONE", "EXP")
_TOLERANCE = 1e-9
_LONGEST_CHECK = timedelta(hours=6)


@dataclass(frozen=True)
class Noted:
    """A finding of this report. ``note``: an addition, or ""."""

    finding: Finding
    note: str = ""


@dataclass(frozen=True)
class Gone:
    """A finding that was sent and is not in this report: resolved, or could not be checked again."""

    fingerprint: str
    row: Row
    note: str = ""


@dataclass(frozen=True)
class Change:
    """A report compared with what was sent. ``is_daily``: the first of its Eastern day. ``after``: the sent findings
    once this change is sent. ``unwatched_count``: findings that the state has no room for.
    """

    new: tuple[Noted, ...]
    worse: tuple[Noted, ...]
    ongoing: tuple[Noted, ...]
    resolved: tuple[Gone, ...]
    not_looked_at: tuple[Gone, ...]
    is_daily: bool
    unwatched_count: int
    after: Sent

    @property
    def is_news(self) -> bool:
        """Whether there is a message to send."""
        return bool(self.new or self.worse or self.resolved or self.is_daily)

    @property
    def changed(self) -> tuple[str, ...]:
        """The identity of the message: the changed fingerprints, each with its kind, and the day."""
        return (
            *sorted(f"new:{one.finding.fingerprint}" for one in self.new),
            *sorted(f"worse:{one.finding.fingerprint}" for one in self.worse),
            *sorted(f"resolved:{one.fingerprint}" for one in self.resolved),
            f"day:{self.after.day}",
        )


def is_alerted(finding: Finding) -> bool:
    """Whether a finding is sent: errors and warnings that are not waived. Others are only counted."""
    return finding.severity in ("error", "warn") and finding.waived_because is None


def find_change(sent: Sent, report: Report) -> Change:
    """Compare a report with what was sent. Of what a pulse has told since a check began, the check changes nothing."""
    watched, unwatched = _watched(sent.rows, report)
    told = _told_since(sent.pulse, report)
    current: dict[str, Finding] = {}
    new, worse, ongoing = [], [], []
    for finding in watched:
        row, is_told = sent.rows.get(finding.fingerprint), (finding.rule, finding.game_date) in told
        is_open = row is not None and row.is_open
        if is_told and not is_open:
            continue
        current[finding.fingerprint] = finding
        if row is None or not is_open:
            new.append(Noted(finding, f"again; it was resolved on {row.last_seen}" if row else ""))
        elif not is_told and (reason := _worse_because(row, finding)):
            worse.append(Noted(finding, reason))
        else:
            ongoing.append(Noted(finding, f"since {row.first_sent}"))
    rows = {key: row for key, row in sent.rows.items() if (row.rule, row.game_date) not in told}
    resolved, not_looked_at = _gone(rows, current, report)
    day = report.window.as_of.astimezone(EASTERN).date()
    after = _rows_after(sent.rows, current, resolved, day)
    present = frozenset(current) | {one.fingerprint for one in not_looked_at}
    return Change(
        tuple(new),
        tuple(worse),
        tuple(ongoing),
        resolved,
        not_looked_at,
        is_daily=report.kind == "check" and sent.day != day,
        unwatched_count=unwatched,
        after=_sent_after(sent, report, kept(after, present, day)),
    )


def outdated(sent: Sent, report: Report, now: datetime) -> str:
    """Why a report is older than the last one sent; "" if it is not. ``now``: by the store's clock.

    A last report from the future is ignored: a mistyped --as-of must not block later reports. A pulse does not make a
    check outdated, which looks at more.
    """
    as_of = report.window.as_of
    pulses = [sent.pulse.as_of] if sent.pulse and report.kind == "pulse" else []
    last = max((one for one in (sent.as_of, *pulses) if one is not None and one <= now), default=None)
    if last is None or as_of >= last:
        return ""
    return f"The report is as of {as_of.isoformat()}; a later one was already sent ({last.isoformat()})."


def _told_since(pulse: Pulsed | None, report: Report) -> frozenset[tuple[str, date]]:
    """The rules and days that a pulse has examined since a check began, which ended after that pulse."""
    if report.kind == "pulse" or pulse is None:
        return frozenset()
    # A pulse that is much later has a mistyped --as-of.
    is_meanwhile = report.window.as_of < pulse.as_of <= report.window.as_of + _LONGEST_CHECK
    return frozenset(pulse.examined) if is_meanwhile else frozenset()


def _sent_after(sent: Sent, report: Report, rows: Mapping[str, Row]) -> Sent:
    window, sequence = report.window, sent.sequence + 1
    if report.kind == "check":
        return Sent(sequence, window.as_of, window.as_of.astimezone(EASTERN).date(), sent.pulse, rows)
    examined = {(one.rule, one.game_date) for one in report.outcomes if _is_complete(one)}
    pulse = Pulsed(window.as_of, tuple(sorted(examined)))
    return Sent(sequence, sent.as_of, sent.day, pulse, rows)


def whole_report(report: Report) -> Change:
    """All findings of a report as ongoing, for a channel without a state."""
    change = find_change(Sent(), report)
    return replace(change, new=(), ongoing=tuple(Noted(one.finding) for one in change.new))


def could_not_check(report: Report) -> Finding | None:
    """One item for everything that could not be checked, or None. Its fingerprint does not depend on its text."""
    texts = unchecked_texts(report)
    if not texts:
        return None
    more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
    return Finding(
        rule=COULD_NOT_CHECK,
        severity="error",
        game_date=report.window.last_date,
        subject=report.target,
        summary=f"Not everything could be checked: {texts[0]}{more}",
        observed=None,
        expected=None,
        detail={},
        remedy="Read the reasons in the report",
        query="",
        fingerprint=_unchecked_fingerprint(report),
    )


def _unchecked_fingerprint(report: Report) -> str:
    """A check and a pulse have their own: what one could not see, the other has not seen."""
    name = report.target if report.kind == "check" else f"{report.target}|{report.kind}"
    return hashlib.sha256(f"{COULD_NOT_CHECK}|{name}".encode()).hexdigest()


def unchecked_texts(report: Report) -> tuple[str, ...]:
    """Why parts could not be checked: the report's problems and blocked outcomes."""
    blocked = [f"{one.rule} on {one.game_date}: {one.reason}" for one in report.blocked]
    nothing = [] if report.outcomes or report.problems else ["no rule has run"]
    return (*report.problems, *blocked, *nothing)


def _watched(rows: Mapping[str, Row], report: Report) -> tuple[list[Finding], int]:
    """The findings to send, worst first, one per fingerprint; and how many exceed the state's room. Among equally bad
    findings, known ones come first: otherwise findings at the limit would become new again and again.
    """
    order = sorted(
        filter(is_alerted, report.findings),
        key=lambda one: (
            SEVERITIES.index(one.severity),
            one.fingerprint not in rows,
            -one.game_date.toordinal(),
            one.rule,
            one.subject,
        ),
    )
    unchecked = could_not_check(report)
    found: dict[str, Finding] = {unchecked.fingerprint: unchecked} if unchecked else {}
    for one in order:
        found.setdefault(one.fingerprint, one)
    findings = list(found.values())
    return findings[:MOST_ROWS], len(findings[MOST_ROWS:])


def _worse_because(row: Row, finding: Finding) -> str:
    """Why a finding is worse than when it was sent; "" if it is not."""
    if SEVERITIES.index(finding.severity) < SEVERITIES.index(row.severity):
        return f"was {row.severity}, now {finding.severity}"
    now, expected = finite(finding.observed), finite(finding.expected)
    if not finding.rule.startswith(_COUNTED) or now is None or expected is None or row.observed is None:
        return ""
    if abs(now - expected) > abs(row.observed - expected) + _TOLERANCE:
        return f"was {row.observed:g}, now {now:g}"
    return ""


def _gone(
    rows: Mapping[str, Row], current: Mapping[str, Finding], report: Report
) -> tuple[tuple[Gone, ...], tuple[Gone, ...]]:
    """The sent findings that are resolved, and those that could not be checked again."""
    others = {one.fingerprint: one for one in report.findings}
    outcomes: dict[tuple[str, date], list[RuleOutcome]] = {}
    for outcome in report.outcomes:
        outcomes.setdefault((outcome.rule, outcome.game_date), []).append(outcome)
    open_rows = {key: row for key, row in rows.items() if row.is_open and key not in current}
    resolved, not_looked_at = [], []
    for fingerprint, row in open_rows.items():
        if row.rule == COULD_NOT_CHECK:
            if fingerprint == _unchecked_fingerprint(report):
                resolved.append(Gone(fingerprint, row, "everything was checked again"))
            continue
        found = outcomes.get((row.rule, row.game_date), [])
        if other := others.get(fingerprint):
            if not is_alerted(other):
                waived = other.waived_because
                resolved.append(Gone(fingerprint, row, f"waived: {waived}" if waived else f"now {other.severity} only"))
        elif not report.window.first_date <= row.game_date <= report.window.last_date:
            continue
        elif found and all(map(_is_complete, found)):
            resolved.append(Gone(fingerprint, row))
        elif found or report.kind == "check":  # a pulse judges only some of the rules
            reasons = "; ".join(one.reason for one in found if one.reason)
            not_looked_at.append(Gone(fingerprint, row, reasons or "the rule did not run"))
    return tuple(resolved), tuple(not_looked_at)


def _is_complete(outcome: RuleOutcome) -> bool:
    """Whether a rule examined everything it should have. A rule can fail for one subject and be blocked for another."""
    return outcome.outcome in ("passed", "failed") and outcome.examined_count > 0 and not outcome.is_blocking


def _rows_after(
    before: Mapping[str, Row], current: Mapping[str, Finding], resolved: Sequence[Gone], day: date
) -> dict[str, Row]:
    rows = dict(before)
    for gone in resolved:
        rows[gone.fingerprint] = replace(gone.row, is_open=False, last_seen=day)
    for fingerprint, finding in current.items():
        known = before.get(fingerprint)
        rows[fingerprint] = Row(
            rule=finding.rule,
            severity=finding.severity,
            game_date=finding.game_date,
            subject=row_text(finding.subject),
            observed=finite(finding.observed),
            first_sent=known.first_sent if known and known.is_open else day,
            last_seen=day,
        )
    return rows
