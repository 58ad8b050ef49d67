"""Which errors of Google's clients end by themselves: those that Google's own clients repeat, and lost connections."""

from collections.abc import Mapping

from google.api_core.exceptions import (
    Aborted,
    BadGateway,
    DeadlineExceeded,
    GatewayTimeout,
    InternalServerError,
    RetryError,
    ServiceUnavailable,
    TooManyRequests,
)
from google.auth.exceptions import TransportError
from requests import exceptions as requests_exceptions

_TRANSIENT = (
    Aborted,
    BadGateway,
    DeadlineExceeded,
    GatewayTimeout,
    InternalServerError,
    RetryError,
    ServiceUnavailable,
    TooManyRequests,
    ConnectionError,
    TimeoutError,
    TransportError,
    requests_exceptions.ChunkedEncodingError,
    requests_exceptions.ConnectionError,
    requests_exceptions.Timeout,
)
# BigQuery's reasons, whatever the status: it answers 403 to a client that asks too often.
_REASONS = frozenset(
    [
        "backendError",
        "badGateway",
        "internalError",
        "jobBackendError",
        "jobInternalError",
        "jobRateLimitExceeded",
        "rateLimitExceeded",
    ]
)


def is_transient(error: BaseException) -> bool:
    """Whether the error may be gone at the next attempt. Refusals and wrong requests are not."""
    if isinstance(error, requests_exceptions.SSLError):
        # A connection error in name, but a wrong certificate stays wrong.
        return False
    return isinstance(error, _TRANSIENT) or _reason(error) in _REASONS


def _reason(error: BaseException) -> str:
    """BigQuery's word for an error; "" if there is none, as in errors of gRPC."""
    details = getattr(error, "errors", None)
    first = details[0] if isinstance(details, list | tuple) and details else None
    return str(first.get("reason", "")) if isinstance(first, Mapping) else ""
