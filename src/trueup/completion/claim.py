"""The claim to start phase 4 of a date. Of several runs, only one gets it."""

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from trueup.completion.store import CompletionStore, Snapshot
from trueup.errors import CompletionsError, ConflictError, PublishError

State = Literal["claimed", "released", "published"]
CLAIMS = "phase4_claims"


@dataclass(frozen=True)
class Claim:
    """Who starts phase 4 of one date. ``message`` is stored with the claim, so that a repeated send is identical."""

    claim_id: str
    owner: str
    state: State
    message: Mapping[str, Any]
    claimed_at: datetime
    published_at: datetime | None = None

    @property
    def idempotency_key(self) -> str:
        """The key by which a receiver recognises a repeated message. It depends only on date and claim."""
        return f"{self.message['game_date']}-{self.claim_id}"


class HeldError(Exception):
    """Another run is starting phase 4 of this date."""


def take_claim(
    claims: CompletionStore, document_id: str, message: Mapping[str, Any], owner: str, lease: timedelta
) -> Claim:
    """The claim of a date: our own, or one whose message was sent but whose document is not marked yet.

    Takes over a claim, with its key and message, if its owner released it or has not changed it for longer than
    ``lease`` by the store's clock. Raises HeldError if another owner holds it.
    """
    found = claims.read([document_id]).get(document_id)
    if found is None:
        claim = Claim(uuid.uuid4().hex, owner, "claimed", message, datetime.fromisoformat(str(message["timestamp"])))
        try:
            claims.create(document_id, {**vars(claim), "message": dict(message)})
        except ConflictError:
            # Another run created it, or we did and the reply was lost.
            found = claims.read([document_id]).get(document_id)
            if found is None:
                raise
        else:
            return claim
    claim = _read_claim(found, message)
    if claim.state == "published" or (claim.state == "claimed" and claim.owner == owner):
        return claim
    age = found.read_time - found.update_time
    if claim.state == "claimed" and age < lease:
        wait = max(1, int((lease - age).total_seconds()))
        raise HeldError(f"{claim.owner} has been starting it for {age.total_seconds():.0f} s; try again in {wait} s")
    taken = replace(claim, owner=owner, state="claimed")
    try:
        claims.update(document_id, {"owner": owner, "state": "claimed"}, found.update_time)
    except ConflictError as error:
        raise HeldError("another run has just taken over the start") from error
    return taken


def set_state(claims: CompletionStore, document_id: str, claim: Claim, state: State) -> Claim:
    """Store the new state of the claim. Raises ConflictError if another owner has taken it over."""
    found = claims.read([document_id])[document_id]
    held = _read_claim(found, claim.message)
    if held.claim_id != claim.claim_id or held.owner != claim.owner:
        raise ConflictError(f"The start of phase 4 of {document_id} was taken over by {held.owner}.")
    published_at = found.read_time if state == "published" else None
    claims.update(document_id, {"state": state, "published_at": published_at}, found.update_time)
    return replace(claim, state=state, published_at=published_at)


def send_claimed(
    claims: CompletionStore,
    document_id: str,
    claim: Claim,
    publish: Callable[[Mapping[str, Any], Mapping[str, str]], str],
    is_due: Callable[[], bool],
) -> Claim:
    """Send the message of a claim that we hold, and set it to published: the message may be sent twice with the same
    key, and is never lost. ``is_due`` is asked just before, whether the start is still needed.

    Raises ConflictError if it is not, or if another owner has taken the claim over, and PublishError. The claim is then
    released, so that the next one need not wait for the lease.
    """
    try:
        if not is_due():
            raise ConflictError(f"{document_id} changed before phase 4 was started.")
        publish(claim.message, {"idempotency_key": claim.idempotency_key, "game_date": document_id})
    except (CompletionsError, PublishError):
        # If the release fails too, the next one must wait for the lease.
        with suppress(CompletionsError):
            set_state(claims, document_id, claim, "released")
        raise
    return set_state(claims, document_id, claim, "published")


def start_marks(claim: Claim) -> dict[str, Any]:
    """The fields by which a document says that the message of a published claim was sent."""
    return {
        "_triggered": True,
        "_triggered_at": claim.published_at,
        "_trigger_reason": claim.message["trigger_reason"],
    }


def _read_claim(snapshot: Snapshot, like: Mapping[str, Any]) -> Claim:
    """A stored claim. Raises CompletionsError unless its message, which is sent as stored, is of the claim's date and
    has all fields of the message ``like``.
    """
    fields = snapshot.fields
    message = fields.get("message")
    published_at = fields.get("published_at")
    checks = {
        "claim_id": isinstance(fields.get("claim_id"), str) and fields["claim_id"],
        "owner": isinstance(fields.get("owner"), str),
        "state": fields.get("state") in get_args(State),
        "claimed_at": isinstance(fields.get("claimed_at"), datetime),
        "published_at": isinstance(published_at, datetime)
        if fields.get("state") == "published"
        else published_at is None or isinstance(published_at, datetime),
        "message": isinstance(message, Mapping)
        and message.get("game_date") == snapshot.document_id
        and all(isinstance(message.get(name), type(value)) for name, value in like.items()),
    }
    if wrong := [name for name, is_right in checks.items() if not is_right]:
        shown = ", ".join(f"{name} is {str(fields.get(name))[:60]!r}" for name in wrong)
        raise CompletionsError(
            f"The claim {CLAIMS}/{snapshot.document_id} cannot be read: {shown}.",
            "Check it. If phase 4 of the date has not run, delete the claim and run trueup reconcile --fix again.",
        )
    values: dict[str, Any] = {name: fields.get(name) for name in Claim.__dataclass_fields__}
    return Claim(**values)
