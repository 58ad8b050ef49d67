"""deploy/apply.sh on a Google Cloud that only remembers: what it runs, and when it stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.deployed import Command, Deployment, refused_commands


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


@pytest.mark.parametrize("arguments", [(), ("--apply",)])
def test_a_question_that_is_refused_does_not_mean_that_nothing_is_there(
    deployment: Deployment, arguments: tuple[str, ...]
) -> None:
    deployment.apply("--apply")
    done, commands = deployment.apply(*arguments, FAKE_CLOUD_FAILS="scheduler jobs list")
    assert done.returncode == 1
    assert "could not be asked: gcloud scheduler jobs list" in done.stderr
    assert commands[-1].is_read


def test_without_the_value_of_the_secret_it_says_how_to_give_it(deployment: Deployment) -> None:
    done, commands = deployment.apply("--apply", FAKE_CLOUD_NO_SECRET="1")
    assert done.returncode == 1
    assert "gcloud secrets versions add trueup-slack-webhook --data-file=- --project=my-nba" in done.stderr
    assert not [one for one in commands if "run" in one.words]


def test_the_view_of_the_log_is_made_when_there_are_logs(deployment: Deployment) -> None:
    view = "create or replace view `my-nba.nba_orchestration.orchestrator_log`"
    before, commands = deployment.apply("--apply")
    assert "no logs of the orchestrator yet" in before.stdout
    assert not [one for one in commands if view in str(one)]
    _, commands = deployment.apply("--apply", FAKE_CLOUD_HAS_LOGS="1")
    assert len([one for one in commands if view in str(one)]) == 1


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


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("PROJECT=my-nba", "PROJECT=my-project", "Set PROJECT"),
        ("EMAIL=data@nba.test", "EMAIL=on-call@example.com", "Set EMAIL"),
        ("REGION=us-east1", "REGION=", "REGION is not set"),
    ],
)
def test_settings_that_are_missing_or_those_of_the_example_are_refused(
    deployment: Deployment, old: str, new: str, said: str
) -> None:
    settings = deployment.checkout / "deploy/settings.env"
    text = settings.read_text(encoding="utf-8")
    assert old in text
    settings.write_text(text.replace(old, new), encoding="utf-8")
    done, commands = deployment.apply()
    assert done.returncode == 1
    assert said in done.stderr
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
        assert (done.returncode, commands) == (1, [])
        assert said in done.stderr


def test_gcloud_knows_every_command_and_option(deployment: Deployment, tmp_path: Path) -> None:
    commands = [one for _ in range(2) for one in deployment.apply("--apply")[1] if one.words[0] == "gcloud"]
    assert refused_commands([one.words for one in commands], tmp_path) == []


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
