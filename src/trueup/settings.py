"""The settings of a run, from the command line and the environment."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trueup.errors import RESTORE, UsageError
from trueup.parsing import read_yaml
from trueup.window import Window, window_vars

# In a shell of trueup local: the folder of its scenario, and the vars of its days as JSON.
SCENARIO_VARIABLE = "TRUEUP_SCENARIO"
VARS_VARIABLE = "TRUEUP_VARS"
COMPLETIONS_VARIABLE = "TRUEUP_COMPLETIONS"
IN_FIRESTORE = "firestore"
# The target of a command without --target: the embedded warehouse.
DEFAULT_TARGET = "local"
# Files of the zone database that dbt does not know, and that mean another zone on each machine.
_NO_ZONES = ("localtime", "posixrules", "Factory")


@dataclass(frozen=True)
class Settings:
    """The settings of one run. ``is_embedded``: whether its target is the embedded warehouse, not BigQuery.
    ``completions`` is a SQLite file, or None for Firestore. Both follow from the target: see ``on``. ``run_id`` is
    unique to this run; ``holder`` is shown to people as the one who started it. ``scenario``: the folder of the
    scenario that is replayed.
    """

    project_dir: Path
    state_dir: Path
    target: str
    window: Window
    completions: Path | None = None
    is_embedded: bool = True
    variables: dict[str, Any] = field(default_factory=dict)
    seeds: Path | None = None
    scenario: Path | None = None
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    holder: str = "another process"

    @property
    def dbt_vars(self) -> dict[str, Any]:
        """The vars of every dbt command of this run."""
        return {**window_vars(self.window, self.variables), "run_id": self.run_id}

    def variable(self, name: str) -> Any:
        """A var of this run; the default is in dbt_project.yml."""
        if name in self.variables:
            return self.variables[name]
        if name not in self._project_variables:
            raise UsageError(f"dbt_project.yml lacks the var {name}.", RESTORE)
        return self._project_variables[name]

    @cached_property
    def _project_variables(self) -> dict[str, Any]:
        return project_variables(self.project_dir)

    def on(self, is_embedded: bool) -> Settings:
        """These settings for a target that is embedded, or is BigQuery.

        The completion documents are in the same place: in a SQLite file, or in Firestore. Raises UsageError if
        TRUEUP_COMPLETIONS contradicts.
        """
        completions = self.completions or self._completions_file(is_embedded)
        return replace(self, is_embedded=is_embedded, completions=completions)

    def _completions_file(self, is_embedded: bool) -> Path | None:
        given = os.environ.get(COMPLETIONS_VARIABLE)
        if not is_embedded and given and given != IN_FIRESTORE:
            raise UsageError(
                f"The target {self.target} is BigQuery, but {COMPLETIONS_VARIABLE} names a SQLite file.",
                f"Unset {COMPLETIONS_VARIABLE}: the documents are in Firestore.",
            )
        if is_embedded and given == IN_FIRESTORE and not os.environ.get("FIRESTORE_EMULATOR_HOST"):
            raise UsageError(
                f"The target {self.target} is the embedded warehouse, but {COMPLETIONS_VARIABLE} names Firestore.",
                f"Unset {COMPLETIONS_VARIABLE}, use the target of your BigQuery, or set FIRESTORE_EMULATOR_HOST.",
            )
        if not is_embedded or given == IN_FIRESTORE:
            return None
        return Path(given) if given else self.project_dir / ".trueup" / "completions.db"

    @property
    def documents(self) -> str:
        """Where the completion documents are, in words."""
        return f"the SQLite file {self.completions}" if self.completions else "Firestore"


def project_variables(project_dir: Path) -> dict[str, Any]:
    """The vars of dbt_project.yml and their defaults. Raises UsageError if the file cannot be read."""
    path = project_dir / "dbt_project.yml"
    project = read_yaml(path)
    variables = project.get("vars") if isinstance(project, dict) else None
    if not isinstance(variables, dict):
        raise UsageError(f"{path} has no vars.", "Restore them: see the file in the repository.")
    of_package = variables.get("trueup")  # dbt reads these first
    return {**variables, **of_package} if isinstance(of_package, dict) else variables


def shell_scenario() -> tuple[Path | None, dict[str, Any]]:
    """The scenario of this shell of trueup local and the vars of its days; None and {} elsewhere."""
    folder = os.environ.get(SCENARIO_VARIABLE)
    if not folder:
        return None, {}
    try:
        variables = json.loads(os.environ.get(VARS_VARIABLE, ""))
    except (ValueError, RecursionError):
        variables = None
    if not isinstance(variables, dict) or not (Path(folder) / "scenario.yml").is_file():
        raise UsageError(
            f"{SCENARIO_VARIABLE} names no scenario, or {VARS_VARIABLE} does not hold the vars of its days.",
            f"Open its shell again: trueup local --scenario DIR. Elsewhere, unset {SCENARIO_VARIABLE}.",
        )
    return Path(folder), variables


def platform_zone(name: object, variable: str = "platform_time_zone") -> ZoneInfo:
    """The time zone that a var names. Raises UsageError if it is invalid."""
    try:
        if name in _NO_ZONES:
            raise ValueError(name)
        return ZoneInfo(str(name))
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise UsageError(
            f"The var {variable} is {name!r}, which is not a time zone.",
            "Use a name like America/New_York in dbt_project.yml.",
        ) from error


def find_project(start: Path, or_installed: bool = True) -> Path:
    """The folder of trueup's dbt project: ``start``, a folder above it, or the checkout that trueup was installed from.

    Pass ``or_installed=False`` if the user named ``start``: the installed checkout would be another project.
    """
    installed = [Path(__file__).resolve().parents[2]] if or_installed else []
    for folder in (start, *start.parents, *installed):
        project = folder / "dbt_project.yml"
        text = project.read_text(encoding="utf-8", errors="replace") if project.is_file() else "of no project"
        if "name: trueup" in text:
            return folder
        if not text.strip():  # the next one found would be another project
            raise UsageError(f"{project} is empty.", RESTORE)
    raise UsageError(
        f"No trueup project found at {start} or above it.", "Run trueup in its checkout, or use --project-dir."
    )


def short_path(path: Path) -> Path:
    """The path, relative to the current folder if it is inside it."""
    try:
        here = Path.cwd()
    except OSError:  # it was deleted
        return path
    return path.relative_to(here) if path.is_relative_to(here) else path
