"""The completion documents in Firestore, with Google's client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from google.api_core.exceptions import (
    Aborted,
    AlreadyExists,
    DeadlineExceeded,
    FailedPrecondition,
    GoogleAPIError,
    InternalServerError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
    TooManyRequests,
    Unauthenticated,
)
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore
from google.cloud.firestore_v1.field_path import FieldPath

from trueup.completion.store import DOCUMENTS, Snapshot, with_time
from trueup.errors import CompletionsError, ConflictError, UsageError

# More than a year of documents in one call; the response is streamed, so its size has no limit.
_IDS_PER_CALL = 500
# The timeout limits one attempt only. With the client's default retry, a dead server cost 295 s.
_ATTEMPT_SECONDS = 5.0
_RETRY = Retry(initial=0.2, maximum=1.0, timeout=8.0)
# A merge may be repeated whatever happened to it. A transaction of another writer can hold the document for seconds.
_MERGE_RETRY = Retry(
    predicate=if_exception_type(Aborted, DeadlineExceeded, InternalServerError, ServiceUnavailable, TooManyRequests),
    initial=0.1,
    maximum=2.0,
    timeout=20.0,
)

Client = firestore.Client


def at_least(count: int) -> Any:
    """A value of a merge: the greater one of ``count`` and the stored number. It replaces what is no number."""
    return firestore.Maximum(count)


class FirestoreCompletions:
    """Documents of a Firestore collection. ``credentials``: None for FIRESTORE_EMULATOR_HOST or default credentials."""

    def __init__(
        self,
        project: str,
        collection: str = DOCUMENTS,
        database: str = "(default)",
        client: firestore.Client | None = None,
        credentials: Any = None,
    ) -> None:
        self._name = f"{project}/{database}/{collection}"
        with self._explained_errors():
            self._client = client or firestore.Client(project, credentials, database)
            self._collection = self._client.collection(collection)

    @classmethod
    def of(cls, client: Client, collection: str) -> FirestoreCompletions:
        """A collection of a client of the caller's. Raises UsageError for another kind of client."""
        if not isinstance(client, firestore.Client):
            raise UsageError(
                f"The client is a {type(client).__name__}.", "Pass a google.cloud.firestore.Client (not the async one)."
            )
        return cls(client.project, collection, client=client)

    def read(self, document_ids: Sequence[str]) -> dict[str, Snapshot]:
        """See CompletionStore."""
        found: dict[str, Snapshot] = {}
        with self._explained_errors():
            for start in range(0, len(document_ids), _IDS_PER_CALL):
                ids = document_ids[start : start + _IDS_PER_CALL]
                for document in self._client.get_all(
                    [self._collection.document(one) for one in ids], retry=_RETRY, timeout=_ATTEMPT_SECONDS
                ):
                    if document.exists:
                        found[document.id] = Snapshot(
                            document.id, _plain(document.to_dict()), document.update_time, document.read_time
                        )
        return found

    def replace(self, document_id: str, fields: Mapping[str, Any]) -> Snapshot:
        """See CompletionStore."""
        with self._explained_errors():
            self._collection.document(document_id).set(_written(fields), retry=_RETRY, timeout=_ATTEMPT_SECONDS)
        return self.read([document_id])[document_id]

    def create(self, document_id: str, fields: Mapping[str, Any]) -> None:
        """See CompletionStore."""
        with self._explained_errors(), self._conflicts(document_id):
            self._collection.document(document_id).create(_written(fields), retry=_RETRY, timeout=_ATTEMPT_SECONDS)

    def update(self, document_id: str, changes: Mapping[str, Any], update_time: datetime) -> None:
        """See CompletionStore."""
        with self._explained_errors(), self._conflicts(document_id):
            self._collection.document(document_id).update(
                {FieldPath(key).to_api_repr(): value for key, value in _written(changes).items()},
                option=self._client.write_option(last_update_time=update_time),
                retry=_RETRY,
                timeout=_ATTEMPT_SECONDS,
            )

    def merge(self, document_id: str, fields: Mapping[str, Any], paths: Sequence[Sequence[str]]) -> None:
        """Replace what is at these paths of the document by the values in ``fields``; keep all else. No condition.

        ``fields`` may hold SERVER_TIME and ``at_least``. Any number at once of merges of different paths lose nothing.
        Repeats after an unknown end, for 20 s. Raises CompletionsError.
        """
        # The client says bool, and documents a list of paths.
        merge: Any = [FieldPath(*path).to_api_repr() for path in paths]
        with self._explained_errors():
            self._collection.document(document_id).set(
                _written(fields),
                merge=merge,
                retry=_MERGE_RETRY,
                timeout=_ATTEMPT_SECONDS,
            )

    @contextmanager
    def _conflicts(self, document_id: str) -> Iterator[None]:
        try:
            yield
        # Aborted: a transaction held a lock for too long. NotFound: the document was deleted.
        except (Aborted, AlreadyExists, FailedPrecondition, NotFound) as error:
            raise ConflictError(
                f"Firestore {self._name}/{document_id} changed since it was read: {str(error)[:300]}", "Run it again."
            ) from error

    def close(self) -> None:
        """See CompletionStore."""
        self._client.close()  # type: ignore[no-untyped-call]

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        try:
            yield
        except (GoogleAPIError, GoogleAuthError, OSError) as error:
            raise _explained(self._name, error) from error


def _explained(name: str, error: Exception) -> CompletionsError:
    """The error and hint for a failed request."""
    text = str(error)[:300]
    if isinstance(error, PermissionDenied):
        return CompletionsError(
            f"Firestore {name}: no permission: {text}",
            "Grant the account datastore.entities.get (roles/datastore.viewer); for repairs, reports, locks and "
            "the state of alerts also datastore.entities.create and datastore.entities.update (roles/datastore.user).",
        )
    if isinstance(error, NotFound | InvalidArgument):
        what = "not found" if isinstance(error, NotFound) else "request refused"
        return CompletionsError(
            f"Firestore {name}: {what}: {text}",
            "Check TRUEUP_FIRESTORE_PROJECT (default: the project of the target) and TRUEUP_FIRESTORE_DATABASE, or the "
            "project and the database of the client.",
        )
    # gRPC reports expired credentials as an unavailable server.
    is_login = "metadata from plugin failed" in str(error)
    if is_login or isinstance(error, GoogleAuthError | OSError | Unauthenticated):
        return CompletionsError(
            f"Firestore {name}: no usable credentials: {text}", "Run: gcloud auth application-default login"
        )
    return CompletionsError(
        f"Firestore {name} does not answer: {text}",
        "Try again. Firestore may be overloaded, or the network may be down.",
    )


def _written(fields: Mapping[str, Any]) -> dict[str, Any]:
    return with_time(fields, firestore.SERVER_TIMESTAMP)


def _plain(value: Any) -> Any:
    """Convert Firestore's datetimes to Python's."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return datetime.fromtimestamp(0, value.tzinfo) + (value - datetime.fromtimestamp(0, value.tzinfo))
    return value
