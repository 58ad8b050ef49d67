"""The settings of deploy/apply.sh: all are checked, by the forms of deploy/settings.tsv, before Google is asked."""

from __future__ import annotations

import re
import zoneinfo
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.deployed import Command, Deployment
from helpers.support import PROJECT

HEAD, *ROWS = (line.split("\t") for line in (PROJECT / "deploy/settings.tsv").read_text(encoding="utf-8").splitlines())
FORMS = {name: form for name, form, _, _ in ROWS}
MEANINGS = {name: meaning for name, _, meaning, _ in ROWS}
EXAMPLES = {name: example for name, _, _, example in ROWS}
HOOK = "https://hooks.slack.test/services/T0/B0/secret"
HOSTILE = (
    'a"b@x.test',
    "a'b",
    "$(touch canary; gcloud run jobs list)",
    "`touch canary`",
    "a; touch canary",
    "a b; gcloud run jobs list",
    "a\ntouch canary",
    "a\\",
    "${HOME}",
    "$UNKNOWN",
    "é",
    "-x",
    "--apply",
    "../x",
    "gs://x",
    HOOK,
    'x" OR severity>=DEFAULT',
    "x` union all select 1 --",
)
# What an adversary found to be accepted.
WRONG = [
    ("TIME_ZONE", "Eastern"),
    ("TIME_ZONE", "America/New_Yorck"),
    ("TIME_ZONE", "America"),
    ("LOCATION", "us east"),
    ("BUCKET", "gs://x"),
    ("PROJECT", "My Project"),
    ("FIRESTORE_DATABASE", "my db"),
    ("DATASET", "my-dataset"),
    ("SOURCE_DATASETS", "nba_*"),
    ("EMAIL", "nobody"),
    ("CALLERS", "someone@example.com"),
    ("CALLERS", "allUsers"),
    ("CALLERS", "group:data@nba.test allAuthenticatedUsers"),
    ("CALLERS", "user:a@nba.testgroup:b@nba.test"),
    ("SLACK_SECRET", HOOK),
]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return Deployment.make(tmp_path_factory.mktemp("settings"))


def applied(deployment: Deployment, lines: list[str]) -> tuple[int, str, list[Command]]:
    """The exit code of apply.sh --apply with these settings, what it says, and the commands that it ran."""
    file = deployment.folder / "settings.env"
    file.write_bytes("\n".join(lines).encode())
    done, commands = deployment.apply("--apply", str(file))
    assert not (deployment.checkout / "canary").exists()
    return done.returncode, done.stdout + done.stderr, commands


def lines_with(**changed: str) -> list[str]:
    return [f'{name}="{value}"' for name, value in {**EXAMPLES, **changed}.items()]


def faults(said: str) -> set[str]:
    """The settings that are told to be wrong, of a message that also says what each must be."""
    return {name for name in FORMS if re.search(rf"^{name} is ", said, re.MULTILINE) and MEANINGS[name] in said}


def test_the_table_and_the_settings_have_the_same_names_and_the_shipped_values_have_the_forms() -> None:
    assert HEAD == ["name", "form", "meaning", "example"]
    text = (PROJECT / "deploy/settings.env").read_text(encoding="utf-8")
    shipped = dict(re.findall(r'^([A-Z_]+)="?([^"\n]*)"?$', text, re.MULTILINE))
    assert list(shipped) == list(FORMS)
    shipped = {name: value.replace("$PROJECT", shipped["PROJECT"]) for name, value in shipped.items()}
    for values in (shipped, EXAMPLES):
        assert {name: one for name, one in values.items() if not re.fullmatch(FORMS[name], one)} == {}


def test_the_examples_of_the_table_are_accepted(deployment: Deployment) -> None:
    code, said, commands = applied(deployment, lines_with())
    assert (code, "Done." in said, len(commands) > 40) == (0, True, True)


def test_all_zones_with_an_area_are_accepted() -> None:
    zones = {name for name in zoneinfo.available_timezones() if re.match("[A-Z].*/", name)}
    assert len(zones) > 300
    assert {name for name in zones if not re.fullmatch(FORMS["TIME_ZONE"], name)} == set()


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_before_anything_is_asked(deployment: Deployment, name: str, value: str) -> None:
    code, said, commands = applied(deployment, lines_with(**{name: value}))
    assert (code, commands, faults(said)) == (2, [], {name})


@pytest.mark.parametrize("line", ['{}="{}"', "{}='{}'", "{}={}"])
@pytest.mark.parametrize("name", FORMS)
def test_a_hostile_value_is_refused_in_every_setting(deployment: Deployment, name: str, line: str) -> None:
    """A third of the values for each way to write them, another third for the next setting."""
    first = (len(line) + list(FORMS).index(name)) % 3
    for value in HOSTILE[first::3]:
        lines = [line.format(name, value) if one.startswith(f"{name}=") else one for one in lines_with()]
        code, said, commands = applied(deployment, lines)
        assert (code, commands) == (2, []), lines
        assert re.search(rf"^({name} is |Line \d+ cannot be read)", said, re.MULTILINE)
        assert HOOK not in said


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(FORMS)),
    value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
    | st.text("ab-_:/@.$`'\"\\ ;\n*()", min_size=1, max_size=12),
)
def test_any_value_that_has_not_the_form_is_refused(deployment: Deployment, name: str, value: str) -> None:
    if re.fullmatch(FORMS[name], value) or {'"', "\n"} <= set(value):
        return
    code, said, commands = applied(deployment, lines_with(**{name: value}))
    assert (code, commands) == (2, [])
    assert name in faults(said) or "cannot be read" in said


def test_a_value_may_be_empty_only_for_callers(deployment: Deployment) -> None:
    assert {name for name, form in FORMS.items() if re.fullmatch(form, "")} == {"CALLERS"}
    assert applied(deployment, lines_with(CALLERS=""))[0] == 0
    for value in ("", " "):
        code, said, commands = applied(deployment, lines_with(**{name: value for name in FORMS if name != "CALLERS"}))
        assert (code, commands, faults(said)) == (2, [], set(FORMS) - {"CALLERS"})


def test_all_faults_are_told_at_once(deployment: Deployment) -> None:
    code, said, commands = applied(deployment, [*lines_with(**dict.fromkeys(FORMS, "!")), "PROJEKT=x", "x", "EMAIL=a"])
    assert (code, commands, faults(said)) == (2, [], set(FORMS))
    assert "PROJEKT is no setting. The settings are: PROJECT REGION" in said
    assert "EMAIL is set twice" in said
    assert f"Line {len(FORMS) + 2} cannot be read" in said


def test_a_setting_that_is_missing_is_named(deployment: Deployment) -> None:
    for name in FORMS:
        lines = [one for one in lines_with() if not one.startswith(f"{name}=")]
        code, said, commands = applied(deployment, lines)
        assert (code, commands, faults(said)) == (2, [], {name})


@pytest.mark.parametrize(("name", "value"), [("PROJECT", "my-project"), ("EMAIL", "on-call@example.com")])
def test_the_values_that_must_be_changed_are_refused(deployment: Deployment, name: str, value: str) -> None:
    code, said, commands = applied(deployment, lines_with(**{name: value}))
    assert (code, commands) == (2, [])
    assert f"{name} is the example's" in said


def test_a_value_may_use_those_above_it_and_nothing_else(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert applied(deployment, lines_with(BUCKET="$PROJECT-${DATASET}"))[0] == 0
    monkeypatch.setenv("OTHER", "trueup")
    for value in ("$OTHER", "$EMAIL", "$BUCKET", "$"):
        assert applied(deployment, lines_with(BUCKET=value))[0] == 2
    lines = [*lines_with(PROJECT="$REGION", REGION="$PROJECT", BUCKET="$REGION")]
    assert faults(applied(deployment, lines)[1]) == {"PROJECT", "REGION", "BUCKET"}


@pytest.mark.parametrize("line", ["REGION=us-east1 # near", 'REGION="us-east1"  # near', "REGION=us-east1\r"])
def test_a_comment_after_a_value_is_none_of_it(deployment: Deployment, line: str) -> None:
    lines = [line if one.startswith("REGION=") else one for one in lines_with()]
    assert applied(deployment, lines)[0] == 0


@pytest.mark.parametrize("enabled", [True, False])
def test_a_region_that_google_has_not_is_refused_before_anything_is_made(tmp_path: Path, enabled: bool) -> None:
    """While Cloud Run's API is off it cannot be asked: it is enabled first, and nothing else is done."""
    deployment = Deployment.make(tmp_path)
    if enabled:
        (tmp_path / "enabled").write_text("run.googleapis.com\n", encoding="utf-8")
    code, said, commands = applied(deployment, lines_with(REGION="us-esat1"))
    assert code == 2
    assert "REGION is us-esat1. The regions of Cloud Run are: europe-west1 us-east1 us-east11" in said
    changed = [one.words[1:3] for one in commands if not one.is_read]
    assert changed == ([] if enabled else [("services", "enable")])


def test_a_machine_without_the_tz_database_checks_the_form(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZDIR", str(deployment.folder / "none"))
    assert applied(deployment, lines_with(TIME_ZONE="America/New_York"))[0] == 0
    assert applied(deployment, lines_with(TIME_ZONE="Eastern"))[0] == 2
