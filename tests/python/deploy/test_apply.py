"""deploy/apply.sh on a Google Cloud that only remembers: what it runs, and when it stops."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import pytest

from helpers.deployed import Command, Deployment, refused_commands
from helpers.documented import blocks_of, commands_of, shells, words
from helpers.support import PROJECT


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment.make(tmp_path)


def changes(commands: list[Command]) -> list[str]:
    """The commands that change something, without the names of temporary files."""
    return [
        " ".join(word.split("=/")[0] for word in one.words if word[0] != "/") for one in commands if not one.is_read
    ]


def test_a_plan_changes_nothing_and_shows_what_would_be_done(deployment: Deployment) -> None:
    planned, reads = deployment.apply()
    assert planned.returncode == 0, planned.stderr
    assert changes(reads) == []
    assert planned.stdout.endswith("Nothing was changed. deploy/apply.sh --apply carries out these steps.\n")
    applied, commands = deployment.apply("--apply")
    assert applied.returncode == 0, applied.stderr
    shown = [line for line in planned.stdout.splitlines() if line.startswith("    gcloud ")]
    done = [one for one in commands if not one.is_read and one.words[0] == "gcloud"]
    assert [line.split()[:4] for line in shown if "versions add" not in line] == [list(one.words[:4]) for one in done]


@pytest.fixture
def without_google(tmp_path: Path) -> str:
    """A PATH with what apply.sh needs, and neither gcloud nor bq."""
    folder = tmp_path / "few"
    folder.mkdir()
    for tool in ("awk", "bash", "dirname", "git", "mktemp", "rm", "sort", "tail"):
        (folder / tool).symlink_to(str(shutil.which(tool)))
    return str(folder)


def without_folder(text: str) -> list[str]:
    """The lines of a plan, without the name of its temporary folder."""
    return re.sub(r"[^ =]+/tmp\.\w+/", "", text).splitlines()


def test_offline_it_plans_for_an_empty_project_without_gcloud(deployment: Deployment, without_google: str) -> None:
    done, commands = deployment.apply("--offline", PATH=without_google)
    assert (done.returncode, done.stderr, commands) == (0, "", [])
    said, end = done.stdout.split("\n\n")
    assert end == "Nothing was asked of Google, and nothing was changed: these are the steps for an empty project.\n"
    asked, _ = deployment.apply()  # of a project in which the API of BigQuery alone is on
    enable, *steps = [line for line in without_folder(asked.stdout) if not line.startswith("Nothing was")][1:-1]
    assert without_folder(said)[2:] == steps
    assert without_folder(said)[1] == enable.replace(" cloudbuild.", " bigquery.googleapis.com cloudbuild.")


def test_without_gcloud_or_a_login_it_ends_with_1_and_names_the_other_way(
    deployment: Deployment, without_google: str
) -> None:
    for environment in ({"PATH": without_google}, {"FAKE_CLOUD_FAILS": "services list"}):
        for argument, is_named in (("", True), ("--apply", False)):
            done, _ = deployment.apply(*argument.split(), **environment)
            assert (done.returncode, done.stdout) == (1, "")
            assert "this could not be asked: gcloud services list" in done.stderr
            assert ("deploy/apply.sh --offline shows the steps" in done.stderr) == is_named


def test_the_readme_shows_what_it_prints_offline(deployment: Deployment, without_google: str) -> None:
    """A line with … alone stands for any lines, and … in a line for any part of it."""
    (sample,) = (one.text for one in blocks_of(PROJECT / "deploy/README.md") if one.language == "text")
    lines = textwrap.dedent(sample).splitlines()
    form = [r"(?:.*\n)+" if line == "…" else re.escape(line).replace("…", ".+") + "\n" for line in lines]
    done, _ = deployment.apply("--offline", PATH=without_google)
    assert re.fullmatch("".join(form), done.stdout)


@pytest.mark.parametrize("order", [1, -1])
def test_apply_and_offline_are_not_both_taken(deployment: Deployment, order: int) -> None:
    done, commands = deployment.apply(*["--apply", "--offline"][::order])
    assert (done.returncode, done.stdout, commands) == (2, "", [])
    assert "--apply needs Google" in done.stderr


@pytest.mark.parametrize("arguments", ["-h", "--help", "--apply --help"])
def test_it_says_how_it_is_used(deployment: Deployment, arguments: str) -> None:
    done, commands = deployment.apply(*arguments.split())
    assert (done.returncode, done.stderr, commands) == (0, "", [])
    assert done.stdout.startswith("Usage: deploy/apply.sh [--apply | --offline] [SETTINGS]\n")


@pytest.mark.parametrize("arguments", [(), ("--apply",)])
def test_jobs_of_another_region_are_told_of(deployment: Deployment, arguments: tuple[str, ...]) -> None:
    deployment.apply("--apply")
    fake = deployment.folder / "bin/gcloud"
    text = fake.read_text(encoding="utf-8")
    for region, warned in (("us-east1", []), ("us-east11", ["trueup-check", "trueup-pulse"])):
        lines = [f"'{job}\t{place}'" for job in ("trueup-check", "trueup-pulse") for place in ("us-east1", region)]
        case = f"case $line in\n    *' run jobs list '*) printf '%s\\n' {' '.join(lines)} ;;"
        fake.write_text(text.replace("case $line in", case, 1), encoding="utf-8")
        done, commands = deployment.apply(*arguments)
        assert done.returncode == 0, done.stderr
        assert re.findall(r"^Warning: (\S+) is also in us-east11,", done.stdout, re.MULTILINE) == warned
        assert done.stdout.count("Warning") == len(warned)
        (asked,) = (one for one in commands if one.words[1:4] == ("run", "jobs", "list"))
        assert "region" not in str(asked).replace("(name,region)", "")


def test_applied_again_it_runs_the_same_commands_and_updates_what_is_there(deployment: Deployment) -> None:
    _, first = deployment.apply("--apply")
    _, again = deployment.apply("--apply")
    _, third = deployment.apply("--apply")
    assert changes(again) == changes(third)
    updated = {"scheduler jobs", "logging sinks", "monitoring channels", "monitoring policies"}
    made_once = {"services enable", "service-accounts create", "buckets create", "secrets create", "submit"}
    made_once |= {"repositories create"}
    for one in changes(first):
        is_made_once = any(name in one for name in made_once)
        if any(name in one for name in updated):
            assert " create " in one
            name = one.split("create")[0]
            assert sum(other.startswith(name) for other in changes(again)) == sum(
                other.startswith(name) for other in changes(first)
            )
            assert one not in changes(again)
        else:
            assert (one in changes(again)) != is_made_once, one
    assert not [one for one in changes(again) if one.startswith("gcloud") and " create " in one]


@pytest.mark.parametrize("text", ["iam service-accounts create", "run jobs replace", "policies create", "grant `roles"])
def test_a_step_that_fails_is_the_last_one_and_is_named(deployment: Deployment, text: str) -> None:
    done, commands = deployment.apply("--apply", FAKE_CLOUD_FAILS=text)
    assert done.returncode == 1
    assert text in str(commands[-1])
    assert "PERMISSION_DENIED" in done.stderr
    assert "Stopped at: " in done.stderr
    assert "run the same command again" in done.stderr
    assert "Done." not in done.stdout


STATES = {"new": 0, "deployed": 1}
LOGS = {"FAKE_CLOUD_LOGS": "stderr stdout"}


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("arguments", [(), ("--apply",)])
def test_a_question_without_an_answer_does_not_mean_that_nothing_is_there(
    deployment: Deployment, arguments: tuple[str, ...], state: str
) -> None:
    """Each question that a good run asks, in turn: it is the last command, whatever it asks for."""
    for _ in range(STATES[state]):
        deployment.apply("--apply", **LOGS)
    files = {name: deployment.folder / name for name in ("made", "enabled")}
    before = {path: path.read_bytes() for path in files.values() if path.is_file()}
    _, asked = deployment.apply(*arguments, **LOGS)
    questions = [number for number, one in enumerate(asked, start=1) if one.is_read]
    assert len(questions) > 2
    for number in questions:
        for path in files.values():
            path.unlink(missing_ok=True)
        for path, content in before.items():
            path.write_bytes(content)
        done, commands = deployment.apply(*arguments, FAKE_CLOUD_FAILS_AT=str(number), **LOGS)
        question = asked[number - 1]
        assert (done.returncode, commands[number - 1 :]) == (1, [question]), question
        assert " ".join(question.words[:4]) in done.stderr
        assert "PERMISSION_DENIED" in done.stderr
        assert "Done." not in done.stdout
        assert ("Nothing was changed." in done.stdout + done.stderr) == (changes(commands) == [] and not arguments)


def test_without_the_value_of_the_secret_it_says_how_to_give_it(deployment: Deployment) -> None:
    done, commands = deployment.apply("--apply", FAKE_CLOUD_NO_SECRET="1")
    assert done.returncode == 1
    assert "gcloud secrets versions add trueup-slack-webhook --data-file=- --project=my-nba" in done.stderr
    assert not [one for one in changes(commands) if one.startswith("gcloud run")]


@pytest.mark.parametrize("streams", [["stderr"], ["stdout"], ["stderr", "stdout"]])
def test_the_view_of_the_log_is_made_of_the_logs_that_there_are(deployment: Deployment, streams: list[str]) -> None:
    def views(commands: list[Command]) -> list[str]:
        return [one.words[-1] for one in commands if "create or replace view" in one.words[-1]]

    hint = "no logs of the orchestrator yet"
    before, commands = deployment.apply("--apply")
    assert (hint in before.stdout, views(commands)) == (True, [])
    for there in (streams[:1], streams):  # the second one comes later
        done, commands = deployment.apply("--apply", FAKE_CLOUD_LOGS=" ".join(there))
        (view,) = views(commands)
        assert view.startswith("create or replace view `my-nba.nba_orchestration.orchestrator_log` as\n")
        assert re.findall(r"run_googleapis_com_(\w+)", view) == there
        assert view.count("union all") == len(there) - 1
        assert hint not in done.stdout


def test_an_image_is_built_once_for_each_commit_and_never_of_uncommitted_changes(deployment: Deployment) -> None:
    def builds(commands: list[Command]) -> list[Command]:
        return [one for one in commands if one.words[:3] == ("gcloud", "builds", "submit")]

    assert len(builds(deployment.apply("--apply")[1])) == 1
    assert builds(deployment.apply("--apply")[1]) == []
    (deployment.checkout / "new.sql").touch()
    done, commands = deployment.apply("--apply")
    assert done.returncode == 1
    assert "Commit your changes first" in done.stderr
    assert commands == []


def test_a_file_that_asks_for_an_unknown_setting_is_refused(deployment: Deployment) -> None:
    job = deployment.checkout / "deploy/run/job.yml"
    job.write_text(job.read_text(encoding="utf-8").replace("${DATASET}", "${DATASETT}"), encoding="utf-8")
    done, _ = deployment.apply()
    assert done.returncode == 1
    assert "deploy/run/job.yml asks for the unknown setting ${DATASETT}" in done.stderr


def test_unknown_options_and_settings_are_refused(deployment: Deployment) -> None:
    for argument, said in (("--aply", "Unknown option --aply"), ("other.env", "no settings in other.env")):
        done, commands = deployment.apply(argument)
        assert (done.returncode, commands) == (2, [])
        assert said in done.stderr


@pytest.mark.slow
def test_gcloud_knows_every_command_and_option(deployment: Deployment, tmp_path: Path) -> None:
    commands = [one for _ in range(2) for one in deployment.apply("--apply")[1] if one.words[0] == "gcloud"]
    assert refused_commands([one.words for one in commands], tmp_path) == []


@pytest.mark.slow
def test_gcloud_takes_the_commands_of_the_readme_with_values_for_the_words_in_capitals(tmp_path: Path) -> None:
    values = {"PROJECT_NUMBER": "1234", "OLD_REGION": "us-east4", "REGION": "us-east1", "PROJECT": "my-nba"}
    commands = []
    for block in shells(blocks_of(PROJECT / "deploy/README.md")):
        text = block.text
        for word, value in values.items():
            text = text.replace(word, value)
        commands += [words(one.text.partition(" > ")[0]) for one in commands_of(text)]
    commands = [one for one in commands if one[0] == "gcloud" and one[1] != "auth"]
    assert len(commands) > 40
    assert refused_commands(commands, tmp_path) == []
    assert [one for one in commands if "--project=my-nba" not in one and one[1] not in ("projects", "storage")] == []


def test_a_misspelt_command_option_or_value_is_found(tmp_path: Path) -> None:
    replace = ["gcloud", "run", "jobs", "replace", "job.yml", "--region=us-east1"]
    schedule = ["gcloud", "scheduler", "jobs", "update", "http", "a", "--location=a", "--http-method=post"]
    wrong = [
        [*replace, "--projekt=my-nba"],
        ["gcloud", "run", "jobs", "replce", "job.yml"],
        [*schedule, "--uri=run.googleapis.com"],
    ]
    assert refused_commands([replace, schedule], tmp_path) == []
    found = refused_commands(wrong, tmp_path)
    assert [word for word in ("--projekt", "replce", "run.googleapis.com") if word not in " ".join(found)] == []
    assert len(found) == 3
