"""The commands of remedies, completed so that they work when they are pasted."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from trueup.results.reference import Rule
from trueup.runs.workplace import Workplace
from trueup.settings import DEFAULT_TARGET, VARS_VARIABLE, Settings, short_path


def way_back(scenario: Path) -> str:
    """The command that opens a shell with a scenario, relative to the current folder where that is possible."""
    program = Path(sys.executable).with_name("trueup")
    found = shutil.which("trueup")
    name = "trueup" if found and Path(found).samefile(program) else str(short_path(program))
    return f"{shlex.quote(name)} local --scenario {shlex.quote(str(short_path(scenario.absolute())))}"


def completed(row: Mapping[str, Any], rule: Rule | None, settings: Settings) -> dict[str, Any]:
    """A row of ``findings`` with its ``command``, which also ends its remedy: with the target and the days of the
    finding, and in a scenario with the scenario's time.
    """
    day = row["game_date"]
    command = rule.command(row["subject"], day) if rule else ""
    if not command or not row["remedy"].endswith(command):
        return {**row, "command": ""}
    ending = f" --target {shlex.quote(settings.target)}" if settings.target != DEFAULT_TARGET else ""
    if command.startswith("dbt "):
        variables = shlex.quote(json.dumps({"first_date": str(day), "last_date": str(day)}))
        # trueup local sets this variable.
        ending += f' --vars "${VARS_VARIABLE}"' if settings.scenario else f" --vars {variables}"
    elif settings.scenario:
        ending += f" --as-of {settings.window.as_of.isoformat(timespec='seconds')}"
    return {**row, "command": command + ending, "remedy": row["remedy"] + ending}


def console_of(work: Workplace) -> str:
    """The page of BigQuery's console in the run's project; "" for the embedded warehouse, which has none."""
    if work.settings.is_embedded:
        return ""
    return f"https://console.cloud.google.com/bigquery?project={quote(work.project, safe='')}"
