"""Which errors of Google's clients end by themselves."""

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
)


def is_transient(error: BaseException) -> bool:
    """Whether the error may be gone at the next attempt. Refusals and wrong requests are not."""
    return isinstance(error, _TRANSIENT)
