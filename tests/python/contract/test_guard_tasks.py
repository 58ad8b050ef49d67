"""Tasks are created once: against a server that refuses a used name, as Cloud Tasks does.

Google has no emulator of Cloud Tasks, and PyPI's accepts a used name. The server here speaks the real protocol.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from typing import Any

import grpc
import pytest

from helpers.support import missing
from trueup.errors import EnqueueError, UsageError
from trueup.guard import enqueue_once


def google(module: str = "") -> Any:
    """Google's client, which only the callers of enqueue_once need."""
    try:
        return import_module(f"google.cloud.tasks_v2{module}")
    except ImportError:
        missing("google-cloud-tasks")


QUEUE = "projects/p/locations/us-east1/queues/runs"
URL = "https://runs.example.org/process"
RUN: dict[str, Any] = {"processor": "player_game_summary", "data_date": "2026-02-03"}


class CloudTasks:
    """CreateTask as the service has it: a name that was used, even of a task that is done, is refused."""

    def __init__(self) -> None:
        self.tasks: dict[str, Any] = {}
        self.requests = 0
        self.failures: list[tuple[Any, bool]] = []

    def create_task(self, request: Any, context: Any) -> Any:
        self.requests += 1
        code, is_stored = self.failures.pop(0) if self.failures else (None, True)
        name = request.task.name
        if name in self.tasks:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, "The task cannot be created because a task with this name")
        if is_stored:
            self.tasks[name] = request.task
        if code is not None:
            context.abort(code, "planted")
        return request.task


@pytest.fixture
def service() -> CloudTasks:
    return CloudTasks()


@pytest.fixture
def client(service: CloudTasks) -> Iterator[Any]:
    tasks_v2, transports = google(), google(".services.cloud_tasks.transports")
    method = grpc.unary_unary_rpc_method_handler(
        service.create_task,
        request_deserializer=tasks_v2.CreateTaskRequest.deserialize,
        response_serializer=tasks_v2.Task.serialize,
    )
    server = grpc.server(ThreadPoolExecutor(8))
    handler = grpc.method_handlers_generic_handler("google.cloud.tasks.v2.CloudTasks", {"CreateTask": method})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield tasks_v2.CloudTasksClient(transport=transports.CloudTasksGrpcTransport(channel=channel))
    server.stop(None)


def test_a_run_is_enqueued_once_and_its_task_says_what_it_is_for(client: Any, service: CloudTasks) -> None:
    first = enqueue_once(client, QUEUE, URL, **RUN, payload={"why": "late"}, service_account="a@p.example")
    again = enqueue_once(client, QUEUE, URL, **RUN)
    assert (first.is_new, again.is_new) == (True, False)
    assert first.task_id == again.task_id
    ((name, task),) = service.tasks.items()
    assert name.startswith(f"{QUEUE}/tasks/")
    assert name.endswith("_player_game_summary_2026-02-03_1")
    assert task.http_request.url == URL
    assert task.http_request.http_method == google().HttpMethod.POST
    assert task.http_request.oidc_token.service_account_email == "a@p.example"
    assert json.loads(task.http_request.body) == {**RUN, "attempt": 1, "why": "late"}


def test_another_attempt_date_or_processor_is_another_task(client: Any, service: CloudTasks) -> None:
    others: list[dict[str, Any]] = [
        {},
        {"attempt": 2},
        {"data_date": "2026-02-04"},
        {"processor": "team_offense_game_summary"},
    ]
    assert [enqueue_once(client, QUEUE, URL, **{**RUN, **one}).is_new for one in others] == [True] * 4
    assert len(service.tasks) == 4


def test_both_names_of_a_processor_are_one_task(client: Any, service: CloudTasks) -> None:
    about: dict[str, Any] = {"data_date": "2026-02-03", "attempt": 1}
    assert enqueue_once(client, QUEUE, URL, processor="PlayerGameSummaryProcessor", **about).is_new
    assert not enqueue_once(client, QUEUE, URL, processor="player_game_summary", **about).is_new


def test_of_many_at_once_one_is_new(client: Any, service: CloudTasks) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: enqueue_once(client, QUEUE, URL, **RUN), range(16)))
    assert sum(one.is_new for one in made) == 1
    assert len(service.tasks) == 1


@pytest.mark.parametrize("is_stored", [False, True])
def test_an_answer_that_is_lost_is_asked_for_again(client: Any, service: CloudTasks, is_stored: bool) -> None:
    service.failures = [(grpc.StatusCode.UNAVAILABLE, is_stored)]
    assert enqueue_once(client, QUEUE, URL, **RUN).is_new is not is_stored
    assert len(service.tasks) == 1


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "roles/cloudtasks.enqueuer"),
        (grpc.StatusCode.NOT_FOUND, "Check the queue"),
        (grpc.StatusCode.INVALID_ARGUMENT, "Check the queue"),
        (grpc.StatusCode.FAILED_PRECONDITION, "Try again"),
    ],
)
def test_a_refusal_is_told_apart_from_a_used_name_and_not_repeated(
    client: Any, service: CloudTasks, code: Any, hint: str
) -> None:
    service.failures = [(code, False)]
    with pytest.raises(EnqueueError, match="planted") as raised:
        enqueue_once(client, QUEUE, URL, **RUN)
    assert hint in raised.value.hint
    assert (service.requests, len(service.tasks)) == (1, 0)


def test_a_service_that_is_away_is_told_after_the_deadline(client: Any, service: CloudTasks) -> None:
    service.failures = [(grpc.StatusCode.UNAVAILABLE, False)] * 99
    with pytest.raises(EnqueueError, match="planted"):
        enqueue_once(client, QUEUE, URL, **RUN, deadline=timedelta(seconds=0.5))
    assert service.requests > 1


@pytest.mark.parametrize(
    "changes",
    [
        {"queue": "runs"},
        {"url": "ftp://x"},
        {"processor": "a/b"},
        {"data_date": "2026-02-30"},
        {"attempt": 0},
        {"attempt": True},
        {"attempt": 10**5000},
        {"data_date": 10**5000},
        {"payload": {"why": object()}},
        {"payload": {"why": float("nan")}},
        {"payload": {"why": 10**5000}},
        {"payload": {1: 2, "a": 3}},
        {"payload": 5},
        {"service_account": 5},
        {"deadline": 5},
        {},
    ],
)
def test_a_wrong_argument_is_named(changes: dict[str, Any]) -> None:
    given = {"queue": QUEUE, "url": URL, **RUN, **changes}
    with pytest.raises(UsageError):
        enqueue_once(None, given.pop("queue"), given.pop("url"), **given)


def test_an_asynchronous_client_is_refused_since_nobody_would_wait_for_it() -> None:
    class Asynchronous:
        async def create_task(self, **_: Any) -> None: ...

    class Wrapped:
        def create_task(self, **_: Any) -> Any:
            return Asynchronous().create_task()

    for client in (Asynchronous(), Wrapped()):
        with pytest.raises(UsageError) as raised:
            enqueue_once(client, QUEUE, URL, **RUN)
        assert "not the asynchronous one" in raised.value.hint
