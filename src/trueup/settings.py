"""The settings of a run, from the command line and the environment."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from trueup.errors import UsageError
from trueup.parsing import read_yaml
from trueup.window import Window, window_vars

COMPLETIONS_VARIABLE = "TRUEUP_COMPLETIONS"
IN_FIRESTORE = "firestore"


@dataclass(frozen=True)
class Settings:
    """The settings of one run. ``completions`` is a SQLite file, or None for Firestore. ``run_id`` is unique to this
    run; ``holder`` is shown to people as the one who started it.
    """

    project_dir: Path
    state_dir: Path
    target: str
    window: Window
    completions: Path | None
    variables: dict[str, Any] = field(default_factory=dict)
    seeds: Path | None = None
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
            raise UsageError(f"dbt_project.yml lacks the var {name}.", "Restore it: see the file in the repository.")
        return self._project_variables[name]

    @cached_property
    def _project_variables(self) -> dict[str, Any]:
        return project_variables(self.project_dir)

    @property
    def is_embedded(self) -> bool:
        """Whether the target is the embedded warehouse, not BigQuery."""
        return is_embedded(self.target)


def project_variables(project_dir: Path) -> dict[str, Any]:
    """The vars of dbt_project.yml and their defaults. Raises UsageError if the file cannot be read."""
    path = project_dir / "dbt_project.yml"
    project = read_yaml(path)
    variables = project.get("vars") if isinstance(project, dict) else None
    if not isinstance(variables, dict):
        raise UsageError(f"{path} has no vars.", "Restore them: see the file in the repository.")
    return variables


def find_project(start: Path, or_installed: bool = True) -> Path:
    """The folder of trueup's dbt project: ``start``, a folder above it, or the checkout that trueup was installed from.

    Pass ``or_installed=False`` if the user named ``start``: the installed checkout would be another project.
    """
    installed = [Path(__file__).resolve().parents[2]] if or_installed else []
    for folder in (start, *start.parents, *installed):
        project = folder / "dbt_project.yml"
        if project.is_file() and "name: trueup" in project.read_text(encoding="utf-8"):
            return folder
    raise UsageError(
        f"No trueup project found at {start} or above it.",
        "Run trueup in its checkout, or use --project-dir.",
    )


def is_embedded(target: str) -> bool:
    """Whether a target is the embedded warehouse; every other one is BigQuery, with the documents in Firestore."""
    return target in ("local", "ci")


def completions_file(target: str, project_dir: Path) -> Path | None:
    """The SQLite file of the completion documents, or None if they are in Firestore (TRUEUP_COMPLETIONS=firestore)."""
    path = os.environ.get(COMPLETIONS_VARIABLE)
    if path and path != IN_FIRESTORE:
        return Path(path)
    return project_dir / ".trueup" / "completions.db" if is_embedded(target) and not path else None
