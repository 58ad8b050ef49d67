"""Every file of deploy/, as gcloud gets it, is what Google's own types say: a misspelt field is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from google.cloud.devtools.cloudbuild_v1 import Build
from google.cloud.monitoring_v3 import AlertPolicy, NotificationChannel
from google.protobuf.json_format import ParseDict, ParseError

from helpers.deployed import Command, Deployment, refusals
from helpers.support import PROJECT

POLICIES = ("errors of the orchestrator", "a job failed", "check did not run", "pulse did not run")
LONGEST_ABSENCE, LONGEST_WINDOW = 23.5 * 3600, 25 * 3600  # seconds; Google's limits
LONGEST_DAY = 25 * 3600  # the day on which summer time ends


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
    assert check["args"] == ["check", "--target", "prod"]
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


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


@pytest.mark.parametrize(("command", "least"), [("check", LONGEST_DAY), ("pulse", 1200)])
def test_a_job_that_did_not_run_is_told_of_but_not_before_it_should_have(
    files: dict[str, Any], command: str, least: float
) -> None:
    """Whether Google writes no data or zeros while nothing runs: both are looked for."""
    absent, none = files[f"trueup: {command} did not run"]["conditions"]
    for condition, longest in ((absent["conditionAbsent"], LONGEST_ABSENCE), (none["conditionThreshold"], LONGEST_DAY)):
        (aggregation,) = condition["aggregations"]
        window, duration = seconds(aggregation["alignmentPeriod"]), seconds(condition["duration"])
        assert duration <= longest
        assert window <= LONGEST_WINDOW
        assert least + 600 <= window + duration <= least + 1800
        assert duration % 60 == window % 60 == 0
        assert f'job_name = "trueup-{command}"' in condition["filter"]


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
