"""The bytes of a run: read and billed, of each thread, of dbt's nodes, of suites, and of trueup's own queries."""

from __future__ import annotations

import json
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.auth.credentials import AnonymousCredentials

from helpers.connections import connection
from trueup.gateways.client import BoundedClient
from trueup.gateways.dbt_results import results_of
from trueup.gateways.meter import Meter
from trueup.results.bytes import NO_BYTES, Bytes
from trueup.results.outcome import NodeResult
from trueup.results.report import Cost
from trueup.runs.build import OWN_QUERIES, node_costs, own_cost
from trueup.runs.workplace import Workplace


class Service:
    """An HTTP session to a BigQuery whose queries read 1,000 bytes and are billed 10 MB."""

    is_mtls = False

    def request(self, method: str, url: str, **_: Any) -> Any:
        job = {"jobReference": {"projectId": "p", "jobId": "j", "location": "US"}}
        if method == "POST":
            answer = {**job, "jobComplete": True, "totalRows": "0", "totalBytesProcessed": "1000", "schema": {}}
        else:
            query = {"totalBytesProcessed": "1000", "totalBytesBilled": "10485760"}
            answer = {**job, "configuration": {"query": {"query": "select 1"}}, "statistics": {"query": query}}
        text = json.dumps(answer)
        return SimpleNamespace(
            status_code=200, headers={}, text=text, content=text.encode(), json=lambda: json.loads(text)
        )


def work(is_embedded: bool, total: Bytes = NO_BYTES) -> Workplace:
    settings = SimpleNamespace(is_embedded=is_embedded)
    return cast(Workplace, SimpleNamespace(settings=settings, tables=SimpleNamespace(bytes_in_all=total)))


def test_a_query_is_metered_with_the_bytes_of_its_jobs_statistics() -> None:
    nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
    client = BoundedClient(connection(), project="p", credentials=nobody, _http=Service())
    client.query_and_wait("select 1")
    client.query_and_wait("select 1")
    assert client.meter.total == Bytes(2_000, 2 * 10_485_760)


def test_bytes_are_counted_for_each_thread_and_in_all() -> None:
    meter, seen = Meter(), []

    def other() -> None:
        meter.add(Bytes(1, 10))
        seen.append(meter.of_thread)

    meter.add(Bytes(2, 20))
    thread = Thread(target=other)
    thread.start()
    thread.join()
    assert (meter.of_thread, seen, meter.total) == (Bytes(2, 20), [Bytes(1, 10)], Bytes(3, 30))


def test_the_bytes_of_a_dbt_node_are_those_that_its_adapter_reports() -> None:
    def node(response: dict[str, Any]) -> Any:
        return SimpleNamespace(
            node=SimpleNamespace(name="m", resource_type="model"),
            status="success",
            message="",
            execution_time=1.0,
            timing=[],
            adapter_response=response,
        )

    results = [node({"bytes_processed": 5, "bytes_billed": 10_485_760}), node({"bytes_processed": None}), node({})]
    ended = cast(Any, SimpleNamespace(exception=None, result=SimpleNamespace(results=results)))
    assert [one.bytes for one in results_of(ended, "build")] == [Bytes(5, 10_485_760), Bytes(), Bytes()]


@pytest.mark.parametrize(("is_embedded", "billed"), [(False, 10), (True, None)])
def test_bytes_are_measured_on_bigquery_only(is_embedded: bool, billed: int | None) -> None:
    (cost,) = node_costs(work(is_embedded), [NodeResult("m", "model", "success", "", 1.0, Bytes(5, 10))])
    assert cost.bytes_billed == billed


def test_the_queries_outside_dbt_and_the_suites_are_a_cost_of_their_own() -> None:
    suites = [Cost("a", "suite", 1.0, 5, 20), Cost("b", "suite", 1.0, 6, 30)]
    assert own_cost(work(False, Bytes(100, 90)), suites) == (Cost(OWN_QUERIES, "query", 0.0, 89, 40),)
    assert own_cost(work(True), [Cost("a", "suite", 1.0, None, None)]) == ()
