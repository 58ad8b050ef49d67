"""A strict stand-in for BigQuery: a proxy on loopback in front of the embedded warehouse. It refuses what the service
refuses, can swallow, drop, delay and repeat answers, and keeps a log.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx

from helpers.strict_rules import (
    LARGEST_REQUEST,
    Need,
    Refusal,
    all_reads,
    denied,
    elsewhere,
    job_refusals,
    load_needs,
    method_needs,
    other_columns,
    statement_needs,
)
from helpers.strict_sql import Act, acts_of, declared_columns
from trueup.gateways.embedded import Endpoint

_PASSED_ON = ("authorization", "content-type", "content-range", "x-upload-content-type", "x-upload-content-length")
_PASSED_BACK = ("content-type", "location", "range", "x-goog-upload-status")
_UPSTREAM_SECONDS = 300.0


@dataclass
class Call:
    """One request and what came of it. ``reads``: the tables and views that it reads, also through views."""

    method: str
    path: str
    sql: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    acts: tuple[Act, ...] = ()
    reads: frozenset[str] = frozenset()
    needs: tuple[Need, ...] = ()
    status: int = 0
    refusal: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    is_dry: bool = False
    began: float = 0.0
    ended: float = 0.0

    @property
    def asks_for_job(self) -> bool:
        return self.method == "POST" and self.path.endswith(("/queries", "/jobs"))

    @property
    def is_job(self) -> bool:
        """A dry run is checked like a job, but is none: https://cloud.google.com/bigquery/docs/running-queries#dry-run."""
        return self.asks_for_job and not self.is_dry


@dataclass
class Fault:
    """What happens to the answers of some requests: ``swallow`` (none comes), ``drop`` (the connection is closed),
    ``repeat`` (the request arrives twice), or ``delay`` by ``seconds``. Only the first ``times``.
    """

    kind: str
    hits: Callable[[Call], bool]
    times: int = 1_000_000
    seconds: float = 0.0


class StrictService:
    """The proxy. ``grants``: pairs of a permission and a resource (project, project.dataset or a table), None grants
    all; ``locations``: of datasets, by name; ``contracts``: the columns of tables, by name of the table; ``policies``:
    tables whose row-level policies hide rows.
    """

    def __init__(self, upstream: Endpoint, contracts: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.contracts = contracts or {}
        self.grants: set[tuple[str, str]] | None = None
        self.locations: dict[str, str] = {}
        self.policies: set[str] = set()
        self.is_strict = True
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.views: dict[str, frozenset[str]] = {}
        self.upstream = upstream
        self.released = threading.Event()
        self._lock = threading.Lock()
        self.client = httpx.Client(base_url=upstream.url, timeout=_UPSTREAM_SECONDS)

    @contextmanager
    def serving(self) -> Iterator[Endpoint]:
        """Serve on a free port; yields the endpoint."""
        service = self

        class Handler(_Handler):
            strict = service

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield Endpoint(f"http://127.0.0.1:{server.server_port}", self.upstream.token)
        finally:
            self.released.set()
            server.shutdown()
            server.server_close()
            self.client.close()

    def fresh(self) -> None:
        """Forget the log, the faults, the grants and the locations. Views stay."""
        self.released.set()
        self.released = threading.Event()
        self.calls, self.faults, self.grants, self.locations, self.is_strict = [], [], None, {}, True
        self.policies = set()

    @property
    def used(self) -> frozenset[tuple[str, str]]:
        """The permissions that were needed, each with the project or the dataset."""
        needs = [need for call in self.calls for need in call.needs]
        return frozenset(
            (need.permission, ".".join(need.resource.split(".")[:2]))
            for need in needs
            if not need.is_granted(())  # hidden datasets need nothing
        )

    def judge(self, call: Call, body: Mapping[str, Any], size: int) -> Refusal | None:
        """The refusal of a request, or None. The service looks at the size, then at the permissions, and only then at
        what the request says.
        """
        with self._lock:
            self.calls.append(call)
        if size > LARGEST_REQUEST and not call.path.startswith("/upload/"):
            return Refusal(413, "uploadTooLarge", "Request Entity Too Large: the request is over 10 MB.")
        configuration = body.get("configuration", body)
        project = call.path.split("/projects/", 1)[-1].split("/", 1)[0]
        needs = list(method_needs(call.method, call.path))
        tables: set[str] = set()
        if call.asks_for_job:
            call.is_dry = bool(configuration.get("dryRun"))
            text = configuration.get("query")
            call.sql = str(text.get("query", "") if isinstance(text, dict) else text or "")
            call.labels = configuration.get("labels") or {}
            call.acts = acts_of(call.sql, project) if call.sql else ()
            call.reads = frozenset(name for act in call.acts for name in all_reads(act, self.views))
            needs += [need for act in call.acts for need in statement_needs(act, self.views)]
            tables = {*call.reads, *(act.target for act in call.acts if act.target)}
            if load := configuration.get("load"):
                into = load["destinationTable"]
                table = f"{into['projectId']}.{into['datasetId']}.{into['tableId']}"
                needs += load_needs(table)
                tables.add(table)
        call.needs = tuple(needs)
        for need in needs:
            if self._is_denied(need, call):
                return denied(need)
        if call.asks_for_job:
            location = body.get("location") or (body.get("jobReference") or {}).get("location")
            refusals = list(elsewhere(tables, location, self.locations))
            if call.sql:
                refusals += self._contract_refusals(call)
            if self.is_strict:
                refusals += job_refusals(configuration, bool(call.sql))
            return refusals[0] if refusals else None
        return None

    def _is_denied(self, need: Need, call: Call) -> bool:
        # "The TRUE filter": https://cloud.google.com/bigquery/docs/using-row-level-security-with-features
        is_hidden = call.path.endswith("/data") and need.resource in self.policies
        return is_hidden or (self.grants is not None and not need.is_granted(self.grants))

    def _contract_refusals(self, call: Call) -> Iterator[Refusal]:
        call.columns, _ = declared_columns(call.sql)
        for act in call.acts if call.columns else ():
            table = act.target.rpartition(".")[2].removesuffix("__dbt_tmp")
            if table in self.contracts:
                yield from other_columns(table, call.columns, self.contracts[table])

    def learn(self, call: Call) -> None:
        """Remember the views that a job made."""
        for act in call.acts:
            if act.kind.endswith(" view"):
                self.views[act.target] = act.reads
            elif act.target and act.kind in ("replace table", "create table", "drop"):
                self.views.pop(act.target, None)

    def fault_of(self, call: Call) -> Fault | None:
        """The fault that hits a request, if any."""
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and fault.hits(call):
                    fault.times -= 1
                    return fault
        return None


def _without_columns(body: Mapping[str, Any]) -> bytes:
    """The request of a query without the column list of its statement."""
    changed = json.loads(json.dumps(body))
    place = changed["configuration"]["query"] if "configuration" in changed else changed
    _, place["query"] = declared_columns(place["query"])
    return json.dumps(changed).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    strict: StrictService

    def log_message(self, *_: Any) -> None:
        """The log is in StrictService.calls."""

    def _serve(self) -> None:
        strict, place = self.strict, urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        call = Call(self.command, place.path, began=time.monotonic())
        body = json.loads(content) if content[:1] == b"{" and self.command != "PUT" else {}
        refusal = strict.judge(call, body, len(content))
        fault = strict.fault_of(call)
        if refusal:
            call.status, call.refusal = refusal.status, refusal.message
            answer = httpx.Response(refusal.status, json=refusal.body)
        else:
            if call.columns:  # the embedded warehouse refuses a column list
                content = _without_columns(body)
            answer = self._forward(content)
            if fault and fault.kind == "repeat":
                answer = self._forward(content)
            call.status = answer.status_code
            if answer.is_success:
                strict.learn(call)
        if fault and fault.kind == "swallow":
            strict.released.wait()
        elif fault and fault.kind == "delay":
            strict.released.wait(fault.seconds)
        if fault and fault.kind in ("swallow", "drop"):
            self.close_connection = True
            return
        call.ended = time.monotonic()
        self._answer(call, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names of http.server

    def _forward(self, content: bytes) -> httpx.Response:
        headers = {name: value for name, value in self.headers.items() if name.lower() in _PASSED_ON}
        return self.strict.client.request(self.command, self.path, content=content, headers=headers)

    def _answer(self, call: Call, answer: httpx.Response) -> None:
        content = answer.content
        places = self.strict.locations
        if places and call.method == "GET" and answer.is_success and "/datasets/" in call.path:
            found = json.loads(content)
            dataset = str((found.get("datasetReference") or {}).get("datasetId"))
            content = json.dumps({**found, "location": places.get(dataset, found.get("location"))}).encode()
        self.send_response(answer.status_code)
        host = f"http://{self.headers.get('host')}"
        for name in _PASSED_BACK:
            if name in answer.headers:
                self.send_header(name, answer.headers[name].replace(self.strict.upstream.url, host))
        if answer.status_code != 204:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        if answer.status_code != 204:
            self.wfile.write(content)
