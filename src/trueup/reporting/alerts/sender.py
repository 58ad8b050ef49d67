"""Sending to one channel: no message is lost or repeated.

A run claims a message in the channel's state (a conditional write, so only one run wins), posts it with its idempotency
key, and then commits it as sent. A run that dies in between leaves its claim. When the claim's lease has expired by
the store's clock, the next run posts the same message with the same key.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from trueup.completion.store import CompletionStore, Snapshot
from trueup.errors import CompletionsError, ConflictError, TrueupError
from trueup.reporting.alerts.change import Change, find_change, outdated
from trueup.reporting.alerts.channels import ALERT_STATE_VARIABLE, Channel, Delivery, DeliveryResult, payload_of
from trueup.reporting.alerts.message import Links, Message, from_plain, make_message, to_plain
from trueup.reporting.alerts.post import Answer, Budget, Patience, Poster, post_patiently
from trueup.reporting.alerts.state import (
    ALERTS,
    Pending,
    State,
    UnreadableStateError,
    document_id,
    fields_of,
    pending_fields,
    read_state,
    sent_fields,
)
from trueup.results.report import Report

# Attempts of a write that conflicts with writes of other runs.
_ATTEMPTS = 5
# After this many runs, a message that was not accepted is replaced by a message with all changes since. Otherwise a
# receiver that never answers would get the same message forever.
_MOST_RUNS = 3


@dataclass(frozen=True)
class Courier:
    """Everything that a delivery needs. ``open_store`` opens the collection ``trueup_alerts``; it is called only for
    channels with a state. ``owner``: unique name of this run. ``clock``: monotonic, in seconds.
    """

    open_store: Callable[[], CompletionStore]
    poster: Poster
    owner: str
    patience: Patience = field(default_factory=Patience)
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


def store_reason(error: TrueupError) -> str:
    """Why nothing is sent when the store of the alert state fails, or the target, which says where it is."""
    step = f"Check {ALERT_STATE_VARIABLE}." if isinstance(error, CompletionsError) else error.hint
    return (
        "The alert state cannot be read or written, so nothing was sent, to avoid a duplicate: "
        f"{error.message} {step} The next run tries again."
    )


@dataclass
class ChannelSender:
    """Sends to one channel in one run. ``finished_count``: messages of earlier runs that it has sent."""

    channel: Channel
    host: str
    report: Report
    links: Links
    courier: Courier
    store: CompletionStore
    finished_count: int = 0

    def __post_init__(self) -> None:
        clock, patience = self.courier.clock, self.courier.patience
        self.budget = Budget(clock, self.courier.pause, clock() + patience.budget_seconds)
        self.document = document_id(self.channel.name, self.report.target)

    def send(self) -> Delivery:
        """Send the pending message of an earlier run, if any, then this report's changes."""
        try:
            for _ in range(_ATTEMPTS):
                try:
                    if delivery := self._step():
                        return delivery
                except ConflictError:
                    continue  # another run was faster, or the reply to our write was lost: read again
        except CompletionsError as error:
            return self._delivery("not_sent", store_reason(error))
        except UnreadableStateError as error:
            return self._delivery(
                "not_sent",
                f"The state {ALERTS}/{self.document} cannot be read: {error}. Nothing was sent. Use the trueup version "
                "that wrote it, or delete the document: then all open findings are sent again.",
            )
        return self._delivery("not_sent", "Other runs kept changing the state. The next run tries again.")

    def _step(self) -> Delivery | None:
        """Read the state once and act on it. On None or ConflictError the caller reads again."""
        snapshot = self._read()
        state = self._state(snapshot)
        if state.pending is not None:
            assert snapshot is not None
            return self._take_over(state.pending, snapshot)
        change = find_change(state.sent, self.report)
        if snapshot is not None and (reason := outdated(state.sent, self.report, snapshot.read_time)):
            return self._delivery("nothing_new", reason)
        if not change.is_news:
            return self._delivery("nothing_new")
        return self._post(self._claim(state, change, snapshot), first_try=True)

    def _read(self) -> Snapshot | None:
        return self.store.read([self.document]).get(self.document)

    def _state(self, snapshot: Snapshot | None) -> State:
        if snapshot is None:
            return State(self.channel.name, self.report.target)
        return read_state(snapshot.fields, self.channel.name, self.report.target)

    def _claim(self, state: State, change: Change, snapshot: Snapshot | None) -> Pending:
        message = make_message(self.channel.name, self.report, change, self.links)
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

    def _take_over(self, pending: Pending, snapshot: Snapshot) -> Delivery | None:
        """Post a claimed message if the claim is this run's own (its reply was lost) or its lease has expired."""
        if pending.owner == self.courier.owner:
            return self._post(pending, first_try=pending.attempt == 1)
        _message(pending)  # an unreadable message is not taken over
        age = (snapshot.read_time - snapshot.update_time).total_seconds()
        if age < pending.lease_seconds:
            left = pending.lease_seconds - age
            return self._delivery(
                "left_to_another_run",
                f"Another run has been sending a message for {age:.0f} s. The next run sends what is missing in it. If "
                f"that run was killed, the first run after {left:.0f} s sends its message.",
            )
        taken = replace(
            pending,
            owner=self.courier.owner,
            attempt=pending.attempt + 1,
            lease_seconds=self.courier.patience.lease_seconds,
        )
        self.store.update(self.document, pending_fields(taken), snapshot.update_time)
        return self._post(taken, first_try=False)

    def _post(self, pending: Pending, first_try: bool) -> Delivery | None:
        """Post a claimed message and record the result. Returns None if there may be more to send."""
        claimed = self._held(pending)
        message = _message(pending)
        body = json.dumps(payload_of(self.channel.name, message), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": message.message_id}
        answer = post_patiently(
            self.courier.poster, self.channel.address, body, headers, self.courier.patience, self.budget
        )
        if not answer.is_delivered:
            return self._failed(pending, claimed, answer, first_try)
        self.finished_count += not first_try
        try:
            self._commit(pending, claimed)
        except CompletionsError as error:
            rest = "" if first_try else " The next run sends what is new since then."
            return self._delivery(
                "sent" if first_try else "not_sent",
                f"The message was sent, but the state could not be written ({error.message}). It may come again, with "
                f"the same Idempotency-Key {message.message_id[:12]}….{rest}",
            )
        return self._delivery("sent") if first_try else None

    def _held(self, pending: Pending) -> Snapshot:
        """The state with our claim, to commit at its update time. Raises ConflictError if the claim is lost."""
        snapshot = self._read()
        held = self._state(snapshot).pending
        if snapshot is None or held is None or (held.owner, held.message_id) != (pending.owner, pending.message_id):
            raise ConflictError(f"Another run holds the claim on {self.document}.")
        return snapshot

    def _commit(self, pending: Pending, claimed: Snapshot) -> None:
        changes = {**sent_fields(pending.after), **pending_fields(None)}
        for _ in range(_ATTEMPTS):
            try:
                self.store.update(self.document, changes, claimed.update_time)
                return
            except ConflictError:
                try:
                    claimed = self._held(pending)
                except ConflictError:
                    return  # already committed, or taken over by a run that commits the same
        raise CompletionsError("other runs kept changing the state")

    def _failed(self, pending: Pending, claimed: Snapshot, answer: Answer, first_try: bool) -> Delivery:
        """Release the claim, unless the message may have arrived."""
        reason = f"{self.channel.name} at {self.host}: {_problem(answer, self.channel)}"
        is_last = pending.attempt >= _MOST_RUNS
        if answer.kind == "unknown" and not is_last:
            then = "It may have arrived: a later run sends the same message with the same Idempotency-Key."
            return self._delivery("not_sent", f"{reason} {then}")
        # A message that may have arrived in an earlier run is kept until it is refused for good.
        is_refused = answer.kind == "answered" and answer.status < 500 and not answer.is_retryable
        is_over = first_try or is_refused or is_last
        changes = pending_fields(None if is_over else replace(pending, lease_seconds=0.0))
        then = "The next run tries again" + (", with all changes by then." if is_over else ".")
        try:
            self.store.update(self.document, changes, claimed.update_time)
        except CompletionsError:
            then = "A later run tries again, once this run's lease has expired."
        return self._delivery("not_sent", f"{reason} {then}")

    def _delivery(self, result: DeliveryResult, reason: str = "") -> Delivery:
        if self.finished_count:
            finished = "The pending message of an earlier run was sent."
            reason = f"{finished} {reason}".strip()
            result = "sent" if result == "nothing_new" else result
        return Delivery(self.channel.name, result, reason)


def _message(pending: Pending) -> Message:
    try:
        return from_plain(pending.message)
    except ValueError as error:
        raise UnreadableStateError(str(error)) from error


def _problem(answer: Answer, channel: Channel) -> str:
    """The receiver's answer, and what to do about it."""
    if answer.kind != "answered":
        return f"{answer.reason}."
    status = answer.status
    answered = f"it answered {status}" + (f" ({answer.reason})" if answer.reason else "")
    if 300 <= status < 400:
        return f"it redirects ({status}); redirects are not followed. Set {channel.variable} to the final address."
    if status in (401, 403, 404, 410):
        return f"{answered}: the webhook was removed, or it refuses trueup. Set {channel.variable} to a new one."
    if status == 429:
        wait = answer.retry_after_seconds
        return f"{answered}: too many messages" + (f"; it asks to wait {wait:.0f} s." if wait else ".")
    if status >= 500:
        return f"{answered}: an error of the receiver."
    return f"{answered}: it does not accept the message. Check {channel.variable}."
