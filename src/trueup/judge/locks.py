"""LOCK001: a processing lock is held past its lease, so its holder was probably killed."""

from collections.abc import Mapping
from datetime import timedelta

from trueup.completion.lease import lease_id, read_lease
from trueup.completion.store import Snapshot
from trueup.errors import CompletionsError
from trueup.judge.case import Case
from trueup.plural import duration
from trueup.results.verdict import Verdict, timestamp_text

LOCKED = "LOCK001"
_MINUTE = timedelta(minutes=1)


def judge_locks(case: Case, snapshots: Mapping[str, Snapshot]) -> tuple[Verdict, ...]:
    """Judge the locks of one date. ``snapshots``: by id, as ``lease_id`` makes it."""
    verdicts = []
    for processor in sorted(case.reference.roster.processors):
        snapshot = snapshots.get(lease_id(processor, case.day.game_date))
        if snapshot is not None:
            verdicts.append(_judged(case, processor, snapshot))
    return tuple(verdicts) or (case.not_run(LOCKED, "no processor of the roster has taken a lock"),)


def _judged(case: Case, processor: str, snapshot: Snapshot) -> Verdict:
    try:
        lease = read_lease(snapshot)
    except CompletionsError as error:
        return case.not_run(LOCKED, error.text, processor, is_blocking=True)
    # A minute, because the clock of this machine may be slow.
    if lease.renewed_at - case.settings.as_of > _MINUTE:
        return case.not_run(LOCKED, "the lock was taken after the time of this check", processor)
    # A clock of this machine that is fast does not make a lock look old.
    over = min(case.settings.as_of, lease.read_at) - lease.ends_at
    if not lease.is_held or over < _MINUTE:
        return case.passed(LOCKED, processor)
    minutes = over // _MINUTE
    return case.failed(
        LOCKED,
        processor,
        f"{lease.owner} still holds the lock of {processor}, though its lease ended {duration(minutes)} ago; it was "
        "probably killed.",
        "warn",
        observed=float(minutes),
        expected=0.0,
        detail={
            "owner": lease.owner,
            "renewed_at": timestamp_text(lease.renewed_at),
            "lease_seconds": lease.length.total_seconds(),
            "token": lease.token,
        },
    )
