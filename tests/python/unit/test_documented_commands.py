"""Every command that the README, docs/ and deploy/README.md show is one that its program accepts.

Those of trueup and dbt are also run: see RUN_BY. Those of gcloud and bq need an account: the runbook's are run with
stand-ins, the others are not run.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import dropwhile
from pathlib import Path
from typing import Any

import click
import pytest
from dbt.cli.main import cli as dbt_cli

from helpers.documented import RUN_BY, blocks_of, commands_of, pages, shells, words
from helpers.support import PROJECT, missing
from trueup.cli.main import _parser
from trueup.errors import UsageError

# Not commands of a program with a parser, and why they need none.
OTHERS = {
    "apply.sh": "tests/python/deploy/test_apply.py runs it",
    "curl": "calls the server, as tests/python/integration/test_serve.py does",
    "cp": "copies a file of the repository, which must be there",
    "echo": "adds a line to a seed; the runbook's test runs it",
    "unset": "unsets variables; the tests of the runbook and the tutorial run it",
}
ASSIGNMENT = re.compile(r"[A-Z_]+=")
ENDS = (">", ">>", "|", "&&", "||", ";")
DOCUMENTED = [
    (page, command.text)
    for page in pages()
    for block in shells(blocks_of(page))
    for command in commands_of(block.text)
]  # fmt: skip
EACH_COMMAND = pytest.mark.parametrize(
    ("page", "command"), DOCUMENTED, ids=[f"{page.stem}: {text[:60]}" for page, text in DOCUMENTED]
)


def arguments_of(command: str) -> list[str]:
    """The words of a command up to a pipe or a redirection."""
    found = words(command.replace("$TRUEUP_VARS", "{}"))
    return found[: next((place for place, word in enumerate(found) if word in ENDS), None)]


def check(command: str) -> None:
    """Raise an error if the program would refuse a command."""
    told = list(dropwhile(ASSIGNMENT.match, arguments_of(command)))
    if not told:  # sets variables for the commands after it
        return
    program, *arguments = told
    program = Path(program).name
    if program in OTHERS:
        assert program != "cp" or (PROJECT / arguments[0]).is_file(), command
        return
    PROGRAMS[program](arguments)


def trueup(arguments: Sequence[str]) -> None:
    options = _parser()[0].parse_args(arguments)
    for inner in getattr(options, "run", [])[2:3]:  # sh -c COMMAND
        check(inner)


def dbt(arguments: Sequence[str]) -> None:
    command: click.Command = dbt_cli
    left = list(arguments)
    while isinstance(command, click.Group):
        command, name = command.commands[left[0]], left.pop(0)
    with command.make_context(name, [*left, "--profiles-dir", str(PROJECT)]):  # dbt's default need not exist
        pass


def make(arguments: Sequence[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    unknown = [one for one in arguments if "=" not in one and one not in targets]
    if unknown:
        raise UsageError(f"The Makefile has no target {unknown[0]}.")


def gcloud(arguments: Sequence[str]) -> None:
    node = cloud_commands()
    shared, left = set(node["flags"]), list(arguments)
    while left and left[0] in node["commands"]:
        node = node["commands"][left.pop(0)]
    unknown = flags_of(left) - shared - set(node["flags"])
    if node["commands"] or unknown:
        raise UsageError(f"gcloud {' '.join(arguments)} is no command, or has unknown flags: {sorted(unknown)}")


def bq(arguments: Sequence[str]) -> None:
    command, *left = arguments
    known = json.loads((cloud_sdk() / "data" / "cli" / "bq.json").read_text(encoding="utf-8"))
    unknown = {one for one in flags_of(left) if one not in known["flags"] and one.strip("-") not in bq_flags()}
    if command not in known["commands"] or unknown:
        raise UsageError(f"bq {command} is no command, or has unknown flags: {sorted(unknown)}")


PROGRAMS: Mapping[str, Callable[[Sequence[str]], None]] = {
    **{"trueup": trueup, "dbt": dbt, "make": make, "gcloud": gcloud, "bq": bq}
}


def flags_of(arguments: Sequence[str]) -> set[str]:
    return {one.partition("=")[0] for one in arguments if one.startswith("-")}


def cloud_sdk() -> Path:
    """The folder of the Google Cloud CLI; its commands are checked without a network."""
    program = shutil.which("gcloud")
    folders = Path(program).resolve().parents if program else ()
    found = next((one for one in folders if (one / "data" / "cli" / "gcloud_completions.py").is_file()), None)
    return found or missing("the Google Cloud CLI")  # type: ignore[func-returns-value]


@functools.cache
def cloud_commands() -> Mapping[str, Any]:
    """What gcloud completes in a shell: all commands and their flags."""
    spec = importlib.util.spec_from_file_location("completions", cloud_sdk() / "data" / "cli" / "gcloud_completions.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tree: Mapping[str, Any] = module.STATIC_COMPLETION_CLI_TREE
    return tree


@functools.cache
def bq_flags() -> frozenset[str]:
    """The flags that bq's own source defines."""
    sources = (cloud_sdk() / "platform" / "bq").rglob("*.py")
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in sources)
    return frozenset(name for text in texts for name in re.findall(r"DEFINE_\w+\(\s*['\"](\w+)['\"]", text))


@EACH_COMMAND
def test_a_documented_command_is_one_that_its_program_accepts(page: Path, command: str) -> None:
    check(command)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("trueup check --frist-date 2026-02-03", "--frist-date"),
        ("trueup chekc", "chekc"),
        (".venv/bin/trueup local --scenario x -- sh -c 'dbt build --selekt y'", "--selekt"),
        ("dbt build --selekt findings", "--selekt"),
        ("dbt biuld", "biuld"),
        ("make nothing", "nothing"),
        ("gcloud scheduler jobs resum my-job --location=us-east1", "resum"),
        ("gcloud scheduler jobs resume my-job --region=us-east1", "--region"),
        ("bq qeury 'select 1'", "qeury"),
        ("bq query --use_legacy=false 'select 1'", "--use_legacy"),
        ("cp seeds/nothing.csv x", "nothing.csv"),
        ("DAY=2026-02-03 trueup chekc", "chekc"),
        ("whoami", "whoami"),
    ],
)
def test_a_wrong_command_is_seen(wrong: str, said: str) -> None:
    with pytest.raises((UsageError, click.ClickException, KeyError, AssertionError)) as error:
        check(wrong)
    assert said in str(error.value)


def test_every_page_with_commands_of_trueup_or_dbt_is_run() -> None:
    ours = {page for page, text in DOCUMENTED if re.search(r"\b(trueup|dbt) ", text) and "gcloud" not in text}
    assert {str(page.relative_to(PROJECT)) for page in ours} == set(RUN_BY)
    for test in RUN_BY.values():
        assert (PROJECT / "tests" / "python" / "scenarios" / test).is_file()


def test_every_exception_is_still_needed() -> None:
    assert set(OTHERS) <= {Path(words(text)[0]).name for _, text in DOCUMENTED}


def selections() -> list[str]:
    """What the documented commands of dbt select."""
    found: list[str] = []
    for _, text in DOCUMENTED:
        inner = re.search(r"\bdbt \w+ .*--select ((?:(?!--)\S+ ?)+)", re.sub(r"\\\n\s*", "", text))
        found += inner[1].split() if inner else []
    return sorted(set(found))


def listed(selected: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """dbt ls, for which a selection without nodes is an error."""
    shutil.copy(PROJECT / "profiles.example.yml", folder / "profiles.yml")
    refusing = ["--warn-error-options", '{"error": ["NoNodesForSelectionCriteria"]}']
    place = ["--profiles-dir", str(folder), "--target-path", str(folder), "--log-path", str(folder)]
    return subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--quiet", *refusing, "ls", *place, "--select", *selected],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip


@pytest.mark.slow
def test_what_documented_commands_of_dbt_select_is_there(tmp_path: Path) -> None:
    selected = selections()
    assert {"no_findings_DUP001", "+player_game_summary_latest"} <= set(selected)
    assert listed(selected, tmp_path).returncode == 0
    wrong = listed([*selected, "no_findings_DUP999"], tmp_path)
    assert wrong.returncode != 0
    assert "no_findings_DUP999" in wrong.stdout + wrong.stderr
