"""Each part of trueup imports with what its extra installs, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers.support import PROJECT

# Refuses to import what is installed here and not by the extra, then imports modules.
IMPORTING = """
import importlib, json, sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

refused, names = map(set, json.load(sys.stdin))
sys.meta_path.insert(0, Refusing())
for name in names:
    importlib.import_module(name)
"""
EMBEDDED = tuple(f"trueup.gateways.embedded_{one}" for one in ("parser", "process", "translation"))


def installed_by(extra: str) -> set[str]:
    """The distributions that ``pip install trueup[extra]`` installs, by canonical name."""
    found: set[str] = set()
    left = [Requirement(f"trueup[{extra}]" if extra else "trueup")]
    seen: set[str] = set()
    while left:
        wanted = left.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        name = canonicalize_name(wanted.name)
        found.add(name)
        for line in requires(name) or ():
            needed = Requirement(line)
            extras = wanted.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": one}) for one in extras):
                left.append(needed)
    return found


def modules() -> set[str]:
    """All modules of trueup."""
    source = PROJECT / "src"
    return {".".join(path.relative_to(source).with_suffix("").parts) for path in (source / "trueup").rglob("*.py")}


def imported_with(extra: str, names: set[str]) -> subprocess.CompletedProcess[str]:
    own = installed_by(extra)
    refused = [
        name
        for name, owners in packages_distributions().items()
        if not own & {canonicalize_name(one) for one in owners}
    ]
    return subprocess.run(
        [sys.executable, "-c", IMPORTING],
        input=json.dumps([refused, sorted(names)]),
        capture_output=True,
        text=True,
        check=False,
        cwd=Path("/"),
    )


@pytest.mark.slow
@pytest.mark.parametrize("extra", ["", "check", "embedded"])
def test_each_extra_is_enough_for_its_part(extra: str) -> None:
    names = {
        "": {name for name in modules() if name.startswith(("trueup.completion.", "trueup.guard."))}
        # The guarded write imports it when it is called.
        | {"trueup.gateways.replaced_day"},
        "check": modules() - set(EMBEDDED),
        "embedded": {*EMBEDDED, "bqemulator.server", "duckdb_extensions"},
    }[extra]
    done = imported_with(extra, names)
    assert done.returncode == 0, done.stderr[-800:]


@pytest.mark.parametrize(("extra", "name"), [("", "trueup.gateways.dbt"), ("check", "bqemulator.server")])
def test_what_an_extra_leaves_out_is_not_there(extra: str, name: str) -> None:
    assert "ModuleNotFoundError" in imported_with(extra, {name}).stderr


def test_the_writers_library_loads_quickly_and_nothing_that_checks() -> None:
    timed = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import trueup.guard"], capture_output=True, text=True, check=True
    )
    lines = [line.removeprefix("import time:").split("|") for line in timed.stderr.splitlines()[1:]]
    loaded = {name.strip().partition(".")[0] for _, _, name in lines}
    assert not loaded & {"dbt", "pandas", "numpy", "great_expectations", "pydantic", "duckdb"}
    (microseconds,) = [int(total) for _, total, name in lines if name.strip() == "trueup.guard"]
    assert microseconds < 1_500_000
