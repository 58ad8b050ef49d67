"""A WSGI app as an ASGI app: it gets a thread when the whole request is here."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = Iterable[tuple[str, str]]
_BODY_SECONDS = 5.0
_ANSWER_SECONDS = 30.0


class Bridge:
    """The ASGI app. ``threads``: how many requests are answered at once; ``largest``: the bytes of a body that are
    kept. The app sees the length of a larger one, but not its end.
    """

    def __init__(self, app: Callable[..., Any], threads: int, largest: int) -> None:
        self._app = app
        self._largest = largest
        self._threads = ThreadPoolExecutor(threads, "answers")

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body, length = await self._body(receive)
        except TimeoutError:
            error = json.dumps({"error": f"The body of the request was not here after {_BODY_SECONDS:.0f} seconds."})
            await _send(send, 408, [("Content-Type", "application/json; charset=utf-8")], error.encode())
            return
        except ConnectionError:
            return
        answer = await asyncio.get_running_loop().run_in_executor(
            self._threads, _answer, self._app, _environ(scope, body, length)
        )
        with suppress(TimeoutError):  # the caller does not read; gunicorn closes the connection
            async with asyncio.timeout(_ANSWER_SECONDS):
                await _send(send, *answer)

    async def _body(self, receive: Receive) -> tuple[bytes, int]:
        """The beginning of the body, and the length of all of it. Raises ConnectionError if the caller is gone."""
        kept, length, is_more = b"", 0, True
        while is_more:
            message = await receive()
            if message["type"] != "http.request":
                raise ConnectionError
            part = message.get("body", b"")
            length += len(part)
            # All of it is read: who is not heard out may not hear the answer.
            kept += part[: self._largest - len(kept)]
            is_more = message.get("more_body", False)
        return kept, length


def _environ(scope: Mapping[str, Any], body: bytes, length: int) -> dict[str, Any]:
    """The request as WSGI has it."""
    name, port = scope.get("server") or ("127.0.0.1", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        # WSGI has the bytes of UTF-8 as characters.
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_NAME": str(name),
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": str((scope.get("client") or [""])[0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for key, value in scope["headers"]:
        header = key.decode("latin-1").upper().replace("-", "_")
        variable = header if header == "CONTENT_TYPE" else f"HTTP_{header}"
        text = value.decode("latin-1")
        environ[variable] = f"{environ[variable]},{text}" if variable in environ else text
    # The body is no longer in chunks.
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ.pop("HTTP_CONTENT_LENGTH", None)
    return {**environ, "CONTENT_LENGTH": str(length)}


def _answer(app: Callable[..., Any], environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
    """The answer of the WSGI app, in a thread."""
    started: list[tuple[str, Headers]] = []

    def start(status: str, headers: Headers, _: Any = None) -> Callable[[bytes], None]:
        started.append((status, headers))
        return lambda _: None

    parts = app(environ, start)
    try:
        body = b"".join(parts)
    finally:
        if close := getattr(parts, "close", None):
            close()
    status, headers = started[-1]
    return int(status.split()[0]), headers, body


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    if b"content-length" not in dict(encoded):
        encoded.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
