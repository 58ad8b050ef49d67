"""Posting to webhooks, with requests. A URL is a secret: no reason holds more of it than its host."""

from __future__ import annotations

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
# What requests and the libraries below it raise for addresses, names, certificates, sockets.
_FAILURES = (requests.RequestException, urllib3_exceptions.HTTPError, ValueError, OSError)


@dataclass
class _Attempt:
    """One post, as far as it has come; written by its thread, read by the one who waits."""

    answer: Answer | None = None
    defect: BaseException | None = None
    ended: threading.Event = field(default_factory=threading.Event)


class WebhookPoster:
    """See Poster. ``connect_seconds`` and ``read_seconds`` bound the silence of the other side; the whole is bounded
    by the caller.
    """

    def __init__(self, connect_seconds: float = _CONNECT_SECONDS, read_seconds: float = _READ_SECONDS) -> None:
        self._timeouts = (connect_seconds, read_seconds)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        """See Poster."""
        attempt = _Attempt()
        # requests bounds each wait and not their sum: one that drips a byte now and then would hold us forever.
        threading.Thread(target=self._run, args=(attempt, url, body, dict(headers)), daemon=True).start()
        attempt.ended.wait(seconds)
        if attempt.defect is not None:
            raise attempt.defect
        return attempt.answer or Answer("unknown", reason=f"no answer within {seconds:.0f} s")

    def _run(self, attempt: _Attempt, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            self._post(attempt, url, body, headers)
        except _FAILURES as error:
            # Once the status is known the rest is decoration.
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
                said = response.raw.read(_MOST_BYTES, decode_content=True).decode("utf-8", errors="replace")
                attempt.answer = Answer("answered", status, _without_secrets(said, url), wait)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Nothing of this thread's requests in anybody's debug log: urllib3 writes the path there, which is the secret."""
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
    """What an exception says of the message: its text holds the URL, and is not used."""
    if isinstance(error, ValueError):
        return Answer("not_reached", reason="its address cannot be used")
    cause = _innermost(error)
    if isinstance(error, requests.ConnectTimeout):
        return Answer("not_reached", reason="it does not answer a connection")
    if isinstance(error, requests.exceptions.SSLError) and not _is_cut_short(cause):
        return Answer("not_reached", reason="its certificate, or the encryption, is not accepted")
    if isinstance(error, requests.exceptions.ProxyError):
        return Answer("not_reached", reason="the proxy does not let it through")
    if isinstance(cause, urllib3_exceptions.NameResolutionError):
        return Answer("not_reached", reason="its name is not known")
    if isinstance(cause, urllib3_exceptions.NewConnectionError):
        return Answer("not_reached", reason="no connection to it can be made")
    if isinstance(error, requests.Timeout):
        return Answer("unknown", reason="it took the message and did not answer")
    return Answer("unknown", reason="it closed the connection without an answer")


def _is_cut_short(cause: object) -> bool:
    """Whether an encrypted connection ended, which it may also do after the message was sent."""
    args = getattr(cause, "args", ())
    return any(isinstance(one, ssl.SSLEOFError | ssl.SSLZeroReturnError) for one in (cause, *args))


def _innermost(error: Exception) -> object:
    """What urllib3 gives as the reason of its last attempt."""
    inner: object = error.args[0] if error.args else None
    return getattr(inner, "reason", None) or inner


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds. Where it is a date, it counts from the receiver's own date, never from our clock."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with suppress(TypeError, ValueError, IndexError):
        until, sent = (parsedate_to_datetime(one) for one in (text, headers.get("Date", "")))
        if until.tzinfo is None or sent.tzinfo is None:
            until, sent = until.replace(tzinfo=UTC), sent.replace(tzinfo=UTC)
        return max(0.0, (until - sent).total_seconds())
    return None


def _without_secrets(said: str, url: str) -> str:
    """What the receiver said, on one line; only where it repeats nothing of the URL."""
    parts = urlsplit(url)
    secrets = {parts.path, parts.query, parts.username, parts.password, *parts.path.split("/"), *parts.query.split("&")}
    secrets |= {one.partition("=")[2] for one in parts.query.split("&")}
    if any(secret and len(secret) >= _SHORTEST_SECRET and secret in said for secret in secrets):
        return ""
    line = " ".join("".join(one if one.isprintable() else " " for one in said).split())
    return line[:_LONGEST_REPLY]
