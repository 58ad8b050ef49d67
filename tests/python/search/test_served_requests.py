"""Any request to ``trueup serve``: 200 only for what is asked as documented, and never a page or a defect."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from trueup.cli.health import PATH, make_app
from trueup.runs.desk import Answer, Desk
from trueup.window import now

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "post", "")
PATHS = (PATH, "/live", "/", f"{PATH}/", f"/{PATH}", f"{PATH};days=3", PATH.upper(), f"/live{PATH}", "/live/..", "*")
QUERIES = ("", "days=30", "first_date=2026-02-03", "=", "&", "%", "a=\x00", "\xff")
BODIES = (
    b"",
    b"{}",
    b" \n",
    b"{ }",
    b"[]",
    b"null",
    b'{"days": 30}',
    b"days=30",
    b"\xff",
    b"[" * 50_000,
    b"x" * 70_000,
)
HEADERS = (
    ("Content-Type", "application/json"),
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Content-Type", "multipart/form-data; boundary=x"),
    ("Content-Encoding", "gzip"),
    ("Transfer-Encoding", "chunked"),
    ("X-HTTP-Method-Override", "GET"),
    ("Expect", "100-continue"),
    ("Accept", "text/html"),
    ("Host", "[::"),
    ("Host", "a b"),
    ("Cookie", "days=30"),
    ("Range", "bytes=0-0"),
    ("If-None-Match", "*"),
)
LENGTHS = (None, "", "0", "3", "-1", "abc", "9" * 30, "99999999")
APP = make_app(Desk(lambda: Answer(0, '{"status": "healthy"}', now(), now()), timedelta(0), now, lambda: None, 9))
some_text = st.text(st.characters(max_codepoint=255), max_size=20)


def asked(method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes, length: str | None) -> Any:
    builder = EnvironBuilder(method=method, data=body)
    environ = builder.get_environ()
    environ.update(REQUEST_METHOD=method, PATH_INFO=path, QUERY_STRING=query)
    for name, value in headers:
        environ["CONTENT_TYPE" if name == "Content-Type" else f"HTTP_{name.upper().replace('-', '_')}"] = value
    if length is not None:
        environ["CONTENT_LENGTH"] = length
    parts, status, got = run_wsgi_app(APP, environ, buffered=True)
    return int(status.split()[0]), got, b"".join(parts)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(METHODS),
    st.sampled_from(PATHS) | some_text.map(lambda text: f"/{text}"),
    st.sampled_from(QUERIES) | some_text,
    st.lists(st.sampled_from(HEADERS), max_size=4),
    st.sampled_from(BODIES) | st.binary(max_size=40),
    st.sampled_from(LENGTHS),
)
@example("POST", PATH, "", [], b"", None)
@example("OPTIONS", PATH, "", [], b"", None)
@example("POST", PATH, "days=30", [], b"", None)
@example("POST", PATH, "", [], b"[" * 50_000, None)
def test_200_is_only_for_a_check_that_was_asked_for_without_options(
    method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes, length: str | None
) -> None:
    status, got, document = asked(method, path, query, headers, body, length)
    assert status < 500
    assert got["Content-Type"] == "application/json; charset=utf-8"
    if status == 200:
        where = f"/{path.lstrip('/')}"  # werkzeug drops further slashes, and gunicorn refuses "post"
        is_check = (method.upper(), where, query) == ("POST", PATH, "")
        assert is_check or (method in ("GET", "HEAD") and where == "/live")
        # A length that is no number, or 0, is no body; gunicorn refuses it before.
        seen = body if length is None else body[: int(length) if length.isdigit() else 0]
        assert not is_check or seen.strip() == b"" or json.loads(seen) == {}
    elif method != "HEAD":
        assert json.loads(document)["error"]
