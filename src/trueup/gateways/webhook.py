"""Posts to webhooks with requests. A URL is secret: reasons never show more of it than the host."""

import logging
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from urllib3 import exceptions as urllib3_exceptions

from trueup.reporting.alerts.post import Answer

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_MOST_BYTES = 1024
_LONGEST_REPLY = 200
_SHORTEST_SECRET = 4
# The exceptions of requests and its libraries for addresses, names, certificates and sockets.
_FAILURES = (requests.RequestException, urllib3_exceptions.HTTPError, ValueError, OSError)


@dataclass
class _Attempt:
    """The state of one post, shared between its thread and the waiting caller."""

    answer: Answer | None = None
    defect: BaseException | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class WebhookPoster:
    """See Poster. ``connect_seconds`` and ``read_seconds`` limit each wait; the caller limits the total time."""

    def __init__(self, connect_seconds: float = _CONNECT_SECONDS, read_seconds: float = _READ_SECONDS) -> None:
        self._timeouts = (connect_seconds, read_seconds)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        """See Poster."""
        attempt = _Attempt()
        # requests limits each wait but not the total time: a slow receiver could block forever.
        threading.Thread(target=self._run, args=(attempt, url, body, dict(headers)), daemon=True).start()
        attempt.ended.wait(seconds)
        if attempt.defect is not None:
            raise attempt.defect
        return attempt.answer or Answer("unknown", reason=f"no answer within {seconds:.0f} s")

    def _run(self, attempt: _Attempt, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            self._post(attempt, url, body, headers)
        except _FAILURES as error:
            # Keep the answer if its status is known.
            attempt.answer = attempt.answer or _failure(error)
        except BaseException as error:
            attempt.defect = error
        finally:
            attempt.ended.set()

    def _post(self, attempt: _Attempt, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        with (
            _unlogged(),
            requests.Session() as session,
            session.post(
                url, data=body, headers=headers, timeout=self._timeouts, allow_redirects=False, stream=True
            ) as response,
        ):
            status, wait = response.status_code, _retry_after(response.headers)
            attempt.answer = Answer("answered", status, retry_after_seconds=wait)
            if status >= 400:
                text = response.raw.read(_MOST_BYTES, decode_content=True).decode("utf-8", errors="replace")
                attempt.answer = Answer("answered", status, _without_secrets(text, url), wait)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep this thread's requests out of debug logs: urllib3 logs the path, which is secret."""
    thread = threading.get_ident()
    logger = logging.getLogger("urllib3.connectionpool")

    def is_of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(is_of_others)
    try:
        yield
    finally:
        logger.removeFilter(is_of_others)


def _failure(error: Exception) -> Answer:
    """The answer for an exception. Its text is not used, because it contains the URL."""
    if isinstance(error, ValueError):
        return Answer("not_reached", reason="its URL is invalid")
    cause = _innermost(error)
    if isinstance(error, requests.ConnectTimeout):
        return Answer("not_reached", reason="the connection timed out")
    if isinstance(error, requests.exceptions.SSLError) and not _is_cut_short(cause):
        return Answer("not_reached", reason="its certificate or encryption is not accepted")
    if isinstance(error, requests.exceptions.ProxyError):
        return Answer("not_reached", reason="the proxy refused the connection")
    if isinstance(cause, urllib3_exceptions.NameResolutionError):
        return Answer("not_reached", reason="its host name is unknown")
    if isinstance(cause, urllib3_exceptions.NewConnectionError):
        return Answer("not_reached", reason="no connection is possible")
    if isinstance(error, requests.Timeout):
        return Answer("unknown", reason="it accepted the message but did not answer in time")
    return Answer("unknown", reason="it closed the connection without an answer")


def _is_cut_short(cause: object) -> bool:
    """Whether an encrypted connection was cut, which can happen after the message was sent."""
    args = getattr(cause, "args", ())
    return any(isinstance(one, ssl.SSLEOFError | ssl.SSLZeroReturnError) for one in (cause, *args))


def _innermost(error: Exception) -> object:
    """urllib3's reason for the last attempt."""
    inner: object = error.args[0] if error.args else None
    return getattr(inner, "reason", None) or inner


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds. A date is relative to the receiver's own Date header, not to our clock."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with suppress(TypeError, ValueError, IndexError):
        until, sent = (parsedate_to_datetime(one) for one in (text, headers.get("Date", "")))
        if until.tzinfo is None or sent.tzinfo is None:
            until, sent = until.replace(tzinfo=UTC), sent.replace(tzinfo=UTC)
        return max(0.0, (until - sent).total_seconds())
    return None


def _without_secrets(text: str, url: str) -> str:
    """The receiver's answer on one line, or "" if it repeats parts of the URL."""
    parts = urlsplit(url)
    secrets = {parts.path, parts.query, parts.username, parts.password, *parts.path.split("/"), *parts.query.split("&")}
    secrets |= {one.partition("=")[2] for one in parts.query.split("&")}
    if any(secret and len(secret) >= _SHORTEST_SECRET and secret in text for secret in secrets):
        return ""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line[:_LONGEST_REPLY]
