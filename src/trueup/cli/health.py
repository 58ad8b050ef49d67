"""The WSGI app of ``trueup serve``: what callers may ask, and what they get."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trueup.runs.desk import CrowdedError, Desk
from trueup.window import now

if TYPE_CHECKING:
    from flask import Flask, Response

PATH = "/phase3-health"
LARGEST_REQUEST = 64 * 1024
HEALTHY = 0
_CROWDED_SECONDS = 30
_NO_OPTIONS = f"{PATH} takes no options: it checks the days of the server. Send no body, and nothing after the path."


def blind(*reasons: str) -> str:
    """The document of a check that left none. ``reasons``: the last words of the check, and what is known without."""
    return json.dumps({"status": "could_not_check", "problems": [one for one in reasons if one]}, indent=2)


def make_app(desk: Desk) -> Flask:
    """The WSGI app. Everything that it answers is JSON."""
    from flask import Flask, request
    from werkzeug.exceptions import HTTPException

    app = Flask(__name__, static_folder=None)
    # Flask would answer OPTIONS with 200 by itself.
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_REQUEST, PROVIDE_AUTOMATIC_OPTIONS=False)

    @app.post(PATH)
    def health() -> Response:
        # Silence about an option would be an answer for other days than the caller means.
        if request.query_string or _asks_for_more(request.get_data()):
            return _said(400, json.dumps({"error": _NO_OPTIONS}))
        asked_at = now()
        try:
            answer = desk.ask()
        except CrowdedError:
            crowded = blind("Too many callers wait for the check that is running. Call again.")
            return _said(503, crowded, **{"Retry-After": str(_CROWDED_SECONDS)})
        age = max(0, int((now() - answer.read_at).total_seconds()))
        # As of HTTP caches: only an answer that was not made for this caller has an age.
        headers = {} if answer.began_at >= asked_at else {"Age": str(age)}
        return _said(200 if answer.exit_code == HEALTHY else 503, answer.document, **headers)

    @app.get("/live")
    def live() -> Response:
        return _said(200, "{}")

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        headers = {name: value for name, value in error.get_headers() if name == "Allow"}
        refusal = f"{request.method} {request.path} is not answered ({error.name}). Ask with POST {PATH}"
        return _said(error.code or 400, json.dumps({"error": refusal}), **headers)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        # Not 500: for the caller, a check that did not happen is not a healthy one, and worth another try.
        return _said(503, blind(f"{type(error).__name__}: {error}"))

    return app


def _said(status: int, document: str, **headers: str) -> Response:
    from flask import Response

    return Response(
        document, status, {"Cache-Control": "no-store", **headers}, content_type="application/json; charset=utf-8"
    )


def _asks_for_more(body: bytes) -> Any:
    if not body.strip():
        return False
    with suppress(ValueError, RecursionError):
        return json.loads(body) != {}
    return True
