"""Telling one channel, once: neither lost nor repeated.

A message is claimed in the channel's state under the condition that the state is as it was read, posted with its
idempotency key, and then written down as told. Of two runs one wins the claim. A run that dies between claim and
commit leaves a claim behind; when its lease is over, by the store's clock, the next run posts the same message with
the same key, and goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from trueup.completion.store import CompletionStore, Snapshot
from trueup.errors import CompletionsError, ConflictError
from trueup.reporting.alerts.change import Change, find_change
from trueup.reporting.alerts.channels import Channel, Delivery, DeliveryResult, body_of
from trueup.reporting.alerts.message import Message, from_plain, make_message, to_plain
from trueup.reporting.alerts.post import Answer, Budget, Patience, Poster, post_patiently
from trueup.reporting.alerts.settings import ALERT_STATE_VARIABLE
from trueup.reporting.alerts.state import (
    ALERTS,
    Pending,
    State,
    UnreadableStateError,
    document_id,
    fields_of,
    pending_fields,
    read_state,
    told_fields,
)
from trueup.results.report import Report

# A claim lost to another run is a claim won by it: there is no use in many.
_ATTEMPTS = 5
# After so many runs a message that nobody takes makes room for one with all the news; else a receiver that never
# answers would be sent the same one for good.
_MOST_RUNS = 3


@dataclass(frozen=True)
class Courier:
    """Everything that a delivery needs. ``open_store`` opens the collection ``trueup_alerts``, and is called for a
    channel with a state only. ``owner`` names this run and no other. ``clock`` is in seconds and only goes forward.
    """

    open_store: Callable[[], CompletionStore]
    poster: Poster
    owner: str
    patience: Patience = field(default_factory=Patience)
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


def store_reason(error: CompletionsError) -> str:
    """What is told where the store of what was told does not answer."""
    return (
        "What was told before cannot be read or written, so nothing was sent that might be told twice: "
        f"{error.message} Check {ALERT_STATE_VARIABLE}; the next run tells it."
    )


@dataclass
class Telling:
    """One channel's telling in one run. ``finished_count``: how many messages of earlier runs it has sent."""

    channel: Channel
    host: str
    report: Report
    link: str
    courier: Courier
    store: CompletionStore
    finished_count: int = 0

    def __post_init__(self) -> None:
        clock, patience = self.courier.clock, self.courier.patience
        self.budget = Budget(clock, self.courier.pause, clock() + patience.budget_seconds)
        self.document = document_id(self.channel.name, self.report.target)

    def tell(self) -> Delivery:
        """Send what is left behind, then what is news."""
        try:
            for _ in range(_ATTEMPTS):
                try:
                    if delivery := self._step():
                        return delivery
                except ConflictError:
                    continue  # another run was faster, or this one's own reply was lost: read again
        except CompletionsError as error:
            return self._delivery("not_sent", store_reason(error))
        except UnreadableStateError as error:
            return self._delivery(
                "not_sent",
                f"The state {ALERTS}/{self.document} cannot be read: {error}. Nothing was sent, and it was left as it "
                "is. Use the trueup that wrote it, or delete this document: everything open is then told again.",
            )
        return self._delivery("not_sent", "Other runs changed the state all the time; the next run tells it.")

    def _step(self) -> Delivery | None:
        """One reading of the state and what follows from it; None: read again. Raises ConflictError for that too."""
        snapshot = self._read()
        state = self._state(snapshot)
        if state.pending is not None:
            assert snapshot is not None
            return self._finish(state.pending, snapshot)
        change = find_change(state.told, self.report)
        if snapshot is not None and (reason := self._past(state, snapshot)):
            return self._delivery("nothing_new", reason)
        if not change.is_news:
            return self._delivery("nothing_new")
        return self._send(self._claim(state, change, snapshot), first_try=True)

    def _read(self) -> Snapshot | None:
        return self.store.read([self.document]).get(self.document)

    def _state(self, snapshot: Snapshot | None) -> State:
        if snapshot is None:
            return State(self.channel.name, self.report.target)
        return read_state(snapshot.fields, self.channel.name, self.report.target)

    def _past(self, state: State, snapshot: Snapshot) -> str:
        """Why a report is older than what was told; "" where it is not. A telling from the future does not count: a
        mistyped --as-of must not silence what comes after it.
        """
        told, as_of = state.told.as_of, self.report.window.as_of
        if told is None or as_of >= told or told > snapshot.read_time:
            return ""
        return f"The report speaks of {as_of.isoformat()}, and a later one was told ({told.isoformat()})."

    def _claim(self, state: State, change: Change, snapshot: Snapshot | None) -> Pending:
        message = make_message(self.channel.name, self.report, change, self.link)
        pending = Pending(
            message=to_plain(message),
            after=change.after,
            owner=self.courier.owner,
            attempt=1,
            claimed_at=snapshot.read_time.isoformat() if snapshot else "",
            lease_seconds=self.courier.patience.lease_seconds,
        )
        if snapshot is None:
            self.store.create(self.document, fields_of(replace(state, pending=pending)))
        else:
            self.store.update(self.document, pending_fields(pending), snapshot.update_time)
        return pending

    def _finish(self, pending: Pending, snapshot: Snapshot) -> Delivery | None:
        """A claim that is there already: this run's own, whose reply was lost; another's, at work or dead."""
        if pending.owner == self.courier.owner:
            return self._send(pending, first_try=pending.attempt == 1)
        _message(pending)  # what cannot be read is not taken over
        age = (snapshot.read_time - snapshot.update_time).total_seconds()
        if age < pending.lease_seconds:
            left = pending.lease_seconds - age
            return self._delivery(
                "left_to_another_run",
                f"Another run has been sending a message for {age:.0f} s. The next run tells what it leaves out; if it "
                f"was killed, a run in {left:.0f} s or later sends its message.",
            )
        taken = replace(
            pending,
            owner=self.courier.owner,
            attempt=pending.attempt + 1,
            lease_seconds=self.courier.patience.lease_seconds,
        )
        self.store.update(self.document, pending_fields(taken), snapshot.update_time)
        return self._send(taken, first_try=False)

    def _send(self, pending: Pending, first_try: bool) -> Delivery | None:
        """Post a claimed message and write down what came of it; None: there may be more to tell."""
        claimed = self._held(pending)
        message = _message(pending)
        answer = post_patiently(
            self.courier.poster,
            self.channel.address,
            body_of(self.channel.name, message),
            _headers(message),
            self.courier.patience,
            self.budget,
        )
        if not answer.is_delivered:
            return self._failed(pending, claimed, answer, first_try)
        self.finished_count += not first_try
        try:
            self._commit(pending, claimed)
        except CompletionsError as error:
            untold = "" if first_try else " What is new since then waits for the next run."
            return self._delivery(
                "sent" if first_try else "not_sent",
                f"That it was sent could not be written down ({error.message}): it may come again, with the same "
                f"Idempotency-Key {message.message_id[:12]}….{untold}",
            )
        return self._delivery("sent") if first_try else None

    def _held(self, pending: Pending) -> Snapshot:
        """The state with our claim in it: its update time is what the commit is conditional on."""
        snapshot = self._read()
        held = self._state(snapshot).pending
        if snapshot is None or held is None or (held.owner, held.message_id) != (pending.owner, pending.message_id):
            raise ConflictError(f"The claim on {self.document} is another run's.")
        return snapshot

    def _commit(self, pending: Pending, claimed: Snapshot) -> None:
        changes = {**told_fields(pending.after), **pending_fields(None)}
        for _ in range(_ATTEMPTS):
            try:
                self.store.update(self.document, changes, claimed.update_time)
                return
            except ConflictError:
                try:
                    claimed = self._held(pending)
                except ConflictError:
                    return  # written after all, or taken over by a run that will write the same
        raise CompletionsError("the state changed all the time")

    def _failed(self, pending: Pending, claimed: Snapshot, answer: Answer, first_try: bool) -> Delivery:
        """Give the claim back, unless nobody knows whether the message has arrived."""
        reason = f"{self.channel.name} at {self.host}: {_said(answer, self.channel)}"
        is_last = pending.attempt >= _MOST_RUNS
        if answer.kind == "unknown" and not is_last:
            then = "Whether it arrived is not known: a later run sends the same message with the same Idempotency-Key."
            return self._delivery("not_sent", f"{reason} {then}")
        # One that may have arrived in an earlier run stays the same message, until it is refused for good.
        is_refused = answer.kind == "answered" and answer.status < 500 and not answer.is_worth_another
        is_over = first_try or is_refused or is_last
        changes = pending_fields(None if is_over else replace(pending, lease_seconds=0.0))
        then = "The next run tries again" + (", with everything that is new by then." if is_over else ".")
        try:
            self.store.update(self.document, changes, claimed.update_time)
        except CompletionsError:
            then = "A run after the lease of this one tries again."
        return self._delivery("not_sent", f"{reason} {then}")

    def _delivery(self, result: DeliveryResult, reason: str = "") -> Delivery:
        if self.finished_count:
            finished = "A message that an earlier run had left behind was sent."
            reason = f"{finished} {reason}".strip()
            result = "sent" if result == "nothing_new" else result
        return Delivery(self.channel.name, result, reason)


def _message(pending: Pending) -> Message:
    try:
        return from_plain(pending.message)
    except ValueError as error:
        raise UnreadableStateError(str(error)) from error


def _headers(message: Message) -> dict[str, str]:
    return {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": message.message_id}


def _said(answer: Answer, channel: Channel) -> str:
    """What a receiver answered, and what to do about it."""
    if answer.kind != "answered":
        return f"{answer.reason}."
    said = f" ({answer.reason})" if answer.reason else ""
    status = answer.status
    if 300 <= status < 400:
        return f"it redirects ({status}), which is not followed: put the final address into {channel.variable}."
    if status in (401, 403, 404, 410):
        return f"it answered {status}{said}: the webhook is gone or closed to us; make a new one in {channel.variable}."
    if status == 429:
        wait = answer.retry_after_seconds
        return f"it answered 429{said}: too many messages" + (f"; it asks for {wait:.0f} s." if wait else ".")
    if status >= 500:
        return f"it answered {status}{said}: it is in trouble itself."
    return f"it answered {status}{said}: it does not accept the message; check that {channel.variable} is right."
