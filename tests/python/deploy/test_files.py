"""Every file of deploy/, as gcloud gets it, is what Google's own types say: a misspelt field is refused."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from google.cloud.devtools.cloudbuild_v1 import Build
from google.cloud.monitoring_v3 import AlertPolicy, NotificationChannel
from google.protobuf.json_format import ParseDict, ParseError

from helpers.deployed import Command, Deployment, refusals
from helpers.support import PROJECT
from trueup.cli.main import _parser

POLICIES = ("errors of the orchestrator", "a job failed", "check did not run", "pulse did not run")
ZONE = ZoneInfo("America/New_York")
# Seconds. Google documents it for the alignment period of a policy, and reports say that a period and its duration may
# have no more together. For PromQL more is documented (two years), as a preview: this policy does not rely on it.
LONGEST_WINDOW = 25 * 3600


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> list[Command]:
    done, found = Deployment.make(tmp_path_factory.mktemp("deployed")).apply("--apply")
    assert done.returncode == 0, done.stderr
    return found


@pytest.fixture
def files(commands: list[Command]) -> dict[str, Any]:
    """What each file holds, by a name that says what it is for."""
    found: dict[str, Any] = {}
    for one in commands:
        for text in one.files:
            value = yaml.safe_load(text)
            name = value["metadata"]["name"] if "metadata" in value else value.get("displayName")
            found[f"{one.words[1]} {name}" if "run" in one.words else name or one.words[1]] = value
    return found


Parser = Callable[[list[Any]], list[str | None]]


def by_gcloud(module: str, message: str) -> Parser:
    """Why gcloud refuses each value; None if it takes it."""
    return lambda values: refusals([(module, message, value) for value in values])


def by_client(message: Any) -> Parser:
    """Why the message of Google's client refuses each value."""

    def refusal(value: Any) -> str | None:
        try:
            ParseDict(value, message.pb(message()), ignore_unknown_fields=False)
        except ParseError as error:
            return str(error)
        return None

    return lambda values: [refusal(value) for value in values]


RUN = "run.v1.run_v1_messages"
JOB, SERVICE = by_gcloud(RUN, "Job"), by_gcloud(RUN, "Service")
LIFECYCLE = by_gcloud("storage.v1.storage_v1_messages", "Bucket.LifecycleValue")
PARSERS: dict[str, Parser] = {
    "run trueup-check": JOB,
    "run trueup-pulse": JOB,
    "run trueup": SERVICE,
    "storage": LIFECYCLE,
    "builds": by_client(Build),
    "trueup on call": by_client(NotificationChannel),
    **{f"trueup: {name}": by_client(AlertPolicy) for name in POLICIES},
}


def test_every_file_that_gcloud_gets_has_a_type(files: dict[str, Any]) -> None:
    assert set(files) == set(PARSERS)


@pytest.mark.parametrize("name", PARSERS)
def test_google_takes_the_file_and_refuses_a_misspelt_field(files: dict[str, Any], name: str) -> None:
    assert PARSERS[name]([files[name]]) == [None]
    misspelt = []
    for place in places(files[name]):
        value = inner = json.loads(json.dumps(files[name]))
        for step in place[:-1]:
            inner = inner[step]
        inner[f"{place[-1]}X"] = inner.pop(place[-1])
        misspelt.append(value)
    assert misspelt
    assert None not in PARSERS[name](misspelt)


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all fields, other than keys of a user's own maps."""
    if isinstance(value, list):
        return [one for index, item in enumerate(value) for one in places(item, (*above, index))]
    if not isinstance(value, dict) or (above and above[-1] in ("labels", "annotations", "limits", "volumeAttributes")):
        return []
    return [one for key, item in value.items() for one in ((*above, key), *places(item, (*above, key)))]


def container(value: Any) -> Any:
    spec = value["spec"]["template"]["spec"]
    (found,) = spec.get("template", {"spec": spec})["spec"]["containers"]
    return found


def test_jobs_and_service_get_the_same_settings_and_the_same_image(files: dict[str, Any]) -> None:
    check, pulse, service = (container(files[name]) for name in ("run trueup-check", "run trueup-pulse", "run trueup"))
    assert check["env"] == pulse["env"]
    assert service["env"] == [one for one in check["env"] if one in service["env"]]
    assert re.fullmatch("us-east1-docker.pkg.dev/my-nba/trueup/trueup:[0-9a-f]{12}", check["image"])
    assert check["image"] == pulse["image"] == service["image"] == files["builds"]["images"][0]
    assert check["args"] == ["check", "--target", "prod", "--wait", "30"]
    assert pulse["args"] == ["pulse", "--target", "prod"]
    assert service["args"] == ["serve", "--host", "0.0.0.0", "--port", "8080", "--target", "prod"]
    assert service["ports"] == [{"containerPort": 8080}]


def test_the_service_is_one_instance_that_only_its_callers_may_call(
    files: dict[str, Any], commands: list[Command]
) -> None:
    assert files["run trueup"]["spec"]["template"]["metadata"]["annotations"]["autoscaling.knative.dev/maxScale"] == "1"
    members = {
        one.option("member") for one in commands if one.words[1:4] == ("run", "services", "add-iam-policy-binding")
    }
    assert members == {"group:data@nba.test"}
    assert not [one for one in commands if "allUsers" in str(one) or "allow-unauthenticated" in str(one)]


def test_the_jobs_are_started_by_the_clock_of_the_platform_with_a_token_of_their_own_account(
    commands: list[Command],
) -> None:
    found = {one.words[5]: one for one in commands if one.words[1:3] == ("scheduler", "jobs") and not one.is_read}
    assert {name: one.option("schedule") for name, one in found.items()} == {
        "trueup-check": "0 8 * * *",
        "trueup-pulse": "*/5 * * * *",
    }
    for name, one in found.items():
        assert one.option("time-zone") == "America/New_York"
        assert one.option("uri").endswith(f"/v2/projects/my-nba/locations/us-east1/jobs/{name}:run")
        assert one.option("oauth-service-account-email") == "trueup-scheduler@my-nba.iam.gserviceaccount.com"


def test_a_pulse_ends_before_the_next_one_begins(files: dict[str, Any]) -> None:
    task = files["run trueup-pulse"]["spec"]["template"]["spec"]["template"]["spec"]
    assert task["timeoutSeconds"] < 300
    assert task["maxRetries"] == 0


def test_the_check_has_as_long_for_itself_after_it_has_waited_for_one_of_the_service(files: dict[str, Any]) -> None:
    check = files["run trueup-check"]["spec"]["template"]["spec"]["template"]["spec"]
    arguments = container(files["run trueup-check"])["args"]
    waits = 60 * int(arguments[arguments.index("--wait") + 1])
    deadline = _parser()[0].parse_args(["serve"]).deadline
    assert waits >= deadline
    assert check["timeoutSeconds"] - waits >= deadline


def seconds(text: str) -> int:
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


COUNT = "run_googleapis_com:job_completed_execution_count"


def missed_by(condition: Any, command: str) -> tuple[int, int]:
    """The window without an execution, and how long there must be none, of a condition. In seconds."""
    query = condition["conditionPrometheusQueryLanguage"]["query"]
    (selected,) = set(re.findall(COUNT + r"{[^}]*}\[\w+\]", query))
    # Whether Google writes no data or zeros while nothing runs: any row fires. One row, whichever it is, because a row
    # with other labels would have to last anew.
    assert query == f"sum(absent_over_time({selected}) or sum(increase({selected})) == 0)"
    assert f'{{monitored_resource="cloud_run_job",job_name="trueup-{command}"}}' in selected
    lasts = condition["conditionPrometheusQueryLanguage"]["duration"]
    return seconds(selected[selected.index("[") + 1 : -1]), seconds(lasts)


def fires_at(ends: list[datetime], window: int, lasts: int, until: datetime) -> datetime | None:
    """When it fires first, if executions end at these moments. It is evaluated each minute from the first of them."""
    since: datetime | None = None
    at = ends[0]
    while at <= until:
        if any(timedelta() <= at - end < timedelta(seconds=window) for end in ends):
            since = None
        else:
            since = since or at
            if at - since >= timedelta(seconds=lasts):
                return at
        at += timedelta(minutes=1)
    return None


def mornings(first: date, days: int, late_by: Sequence[int]) -> list[datetime]:
    """When the checks of days in a row end: so many seconds after 08:00 on each, in turn."""
    turns = itertools.cycle(late_by)
    starts = (datetime.combine(first + timedelta(days=day), time(8), ZONE) for day in range(days))
    return [start.astimezone(UTC) + timedelta(seconds=next(turns)) for start in starts]


def did_not_run(files: dict[str, Any], command: str) -> Any:
    (condition,) = files[f"trueup: {command} did not run"]["conditions"]  # Google takes no other beside one of PromQL
    return condition


@pytest.mark.parametrize("command", ["check", "pulse"])
def test_the_condition_keeps_to_googles_limits(files: dict[str, Any], command: str) -> None:
    condition = did_not_run(files, command)
    window, lasts = missed_by(condition, command)
    assert window <= LONGEST_WINDOW
    assert lasts <= LONGEST_WINDOW
    prometheus = condition["conditionPrometheusQueryLanguage"]
    assert seconds(prometheus["evaluationInterval"]) % 30 == 0
    assert prometheus["disableMetricValidation"] is True  # in a new project nothing has run yet


# With a Sunday on which summer time begins, one on which it ends, and none.
WEEKS = [date(2026, 3, 5), date(2026, 10, 29), date(2026, 6, 4)]


@pytest.mark.parametrize("first", WEEKS)
def test_a_daily_check_never_fires_it_and_one_that_is_missed_does(files: dict[str, Any], first: date) -> None:
    window, lasts = missed_by(did_not_run(files, "check"), "check")
    latest = files["run trueup-check"]["spec"]["template"]["spec"]["template"]["spec"]["timeoutSeconds"]
    for late_by in ([0], [latest], [0, latest], [latest, 0]):
        ends = mornings(first, 6, late_by)
        assert fires_at(ends, window, lasts, ends[-1]) is None
        for missed in range(1, 6):
            fired = fires_at(ends[:missed], window, lasts, ends[0] + timedelta(days=8))
            assert fired is not None
            assert fired - ends[missed - 1] == timedelta(seconds=window + lasts)
            tenish = datetime.combine(first + timedelta(days=missed), time(10, 15), ZONE).astimezone(UTC)
            # The clock is an hour ahead on the one day on which summer time begins.
            day = datetime.combine(first + timedelta(days=missed), time(8), ZONE)
            shorter = (day - timedelta(days=1)).utcoffset() != day.utcoffset() and day.month == 3
            assert late_by != [0] or fired <= tenish + timedelta(hours=shorter)


def test_a_pulse_that_is_late_never_fires_it_and_half_an_hour_without_does(files: dict[str, Any]) -> None:
    window, lasts = missed_by(did_not_run(files, "pulse"), "pulse")
    began = datetime(2026, 6, 4, tzinfo=UTC)
    ends = [began + timedelta(minutes=5 * number, seconds=240 * (number % 2)) for number in range(30)]
    assert fires_at(ends, window, lasts, ends[-1]) is None
    fired = fires_at(ends, window, lasts, ends[-1] + timedelta(days=1))
    assert fired is not None
    assert timedelta(minutes=20) < fired - ends[-1] <= timedelta(minutes=31)


def test_more_than_five_errors_of_the_orchestrator_in_300_seconds_are_told(files: dict[str, Any]) -> None:
    (condition,) = files["trueup: errors of the orchestrator"]["conditions"]
    threshold = condition["conditionThreshold"]
    assert threshold["comparison"] == "COMPARISON_GT"
    assert threshold["thresholdValue"] == 5
    assert threshold["aggregations"][0]["alignmentPeriod"] == "300s"
    assert 'service_name = "orchestrator"' in threshold["filter"]


@pytest.mark.parametrize("name", POLICIES)
def test_every_alert_reaches_somebody_and_says_where_to_look(files: dict[str, Any], name: str) -> None:
    policy = files[f"trueup: {name}"]
    assert policy["notificationChannels"] == ["name/1"]
    assert len(policy["documentation"]["content"]) > 100


def test_the_image_is_built_from_files_that_are_there_and_sent() -> None:
    lines = (PROJECT / "deploy/Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = {
        name for line in lines if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    }
    ignore = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert copied == {line[1:] for line in ignore if line.startswith("!")}
    assert [name for name in sorted(copied) if not (PROJECT / name).exists()] == []
    assert lines[-2:] == ["USER trueup", 'ENTRYPOINT ["trueup"]']


def test_the_requirements_of_the_image_are_locked_as_those_of_the_tests() -> None:
    def locked(path: str) -> dict[str, set[str]]:
        text = (PROJECT / path).read_text(encoding="utf-8")
        blocks = re.findall(r"^([a-z][^ ]*==[^\\]*)((?:\\\n +--hash=\S+ ?)+)", text, re.MULTILINE)
        return {name.strip(): set(re.findall(r"--hash=(\S+)", hashes)) for name, hashes in blocks}

    image, tests = locked("deploy/requirements.lock"), locked("requirements.lock")
    assert len(image) > 100
    assert {name: hashes for name, hashes in image.items() if tests.get(name) != hashes} == {}, "run make lock"
    names = {name.partition("==")[0] for name in image}
    assert {"dbt-bigquery", "great-expectations", "google-cloud-firestore", "flask", "gunicorn"} <= names
    assert not names & {"pytest", "ruff", "mypy", "zetasql", "bqemulator", "duckdb", "sphinx", "playwright"}
