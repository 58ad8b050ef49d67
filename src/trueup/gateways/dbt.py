"""dbt, run in this process: commands in, results out, progress on the way."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import click
from dbt.cli.main import cli, dbtRunner, dbtRunnerResult
from dbt.config.runtime import load_profile
from dbt.contracts.graph.manifest import Manifest
from dbt.exceptions import DbtProjectError
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context
from dbt_common.events.base_types import EventMsg
from dbt_common.exceptions import DbtBaseException

from trueup.errors import DbtError, UsageError
from trueup.gateways.embedded import ENDPOINT_VARIABLE

_ANY_ENDPOINT = "http://127.0.0.1"  # parsing asks no warehouse
_PROFILES_VARIABLE = "DBT_PROFILES_DIR"
# What is fixed when dbt parses does not depend on these vars; bodies read them when they are compiled.
_COMPILED_VARS = frozenset({"as_of", "run_id"})
# The project as parsed, by everything that parsing depends on: dbt takes four seconds for it.
_PARSED: dict[tuple[str, ...], Manifest] = {}


@dataclass(frozen=True)
class Target:
    """Where a dbt target points. ``endpoint`` is None for BigQuery itself."""

    name: str
    project: str
    dataset: str
    location: str
    endpoint: str | None


@dataclass(frozen=True)
class NodeResult:
    """What became of one node. ``status``: success, pass, fail, warn, error, skipped …; seconds."""

    node_id: str
    name: str
    kind: str
    status: str
    message: str
    seconds: float
    bytes_processed: int


class DbtProject:
    """The dbt project of trueup, with its target and vars fixed."""

    def __init__(self, project_dir: Path, state_dir: Path, target: str, variables: Mapping[str, Any]) -> None:
        self._project_dir = project_dir
        self._state_dir = state_dir
        self._variables = dict(variables)
        self._target = target
        self._profiles_dir = self._find_profiles()

    def target(self) -> Target:
        """Where the target points. Raises UsageError for a target that the profile does not have."""
        set_invocation_context(dict(os.environ))
        set_from_args(
            Namespace(
                profiles_dir=str(self._profiles_dir),
                project_dir=str(self._project_dir),
                send_anonymous_usage_stats=False,
            ),
            {},
        )
        try:
            profile = load_profile(str(self._project_dir), {}, target_override=self._target)
        except (DbtBaseException, DbtProjectError) as error:
            raise UsageError(
                f"The target {self._target!r} cannot be used: {_plain(error)}",
                f"Its settings are in {self._profiles_dir / 'profiles.yml'}.",
            ) from error
        credentials = profile.credentials
        return Target(
            name=self._target,
            project=credentials.database,
            dataset=credentials.schema,
            location=getattr(credentials, "location", None) or "US",
            endpoint=getattr(credentials, "api_endpoint", None),
        )

    def run(self, arguments: Sequence[str], on_node: Callable[[str, int, int], None] | None = None) -> list[NodeResult]:
        """Run one dbt command. ``on_node(name, index, total)`` hears of each node that starts.

        Raises DbtError when dbt cannot compile or a model cannot be built. A test that fails is a
        result, not an error.
        """
        result = self._invoke(dbtRunner(_copy(self._parsed), [_listener(on_node)] if on_node else []), arguments)
        return _results(result, arguments[0])

    @property
    def checks(self) -> dict[str, str]:
        """All models and data tests of the project, name to kind: what a whole run must have built and tested.

        Those that are switched off in the project are among them. Raises DbtError when dbt cannot parse it.
        """
        manifest = self._parsed
        disabled = (node for nodes in manifest.disabled.values() for node in nodes)
        nodes = ((node.name, str(node.resource_type)) for node in (*manifest.nodes.values(), *disabled))
        return {name: kind for name, kind in nodes if kind in ("model", "test")}

    @property
    def ignored_variables(self) -> tuple[str, ...]:
        """Environment variables that are set and would change what dbt does; they are not handed to it."""
        return tuple(sorted(_OPTION_VARIABLES.intersection(os.environ) - {_PROFILES_VARIABLE}))

    @cached_property
    def _parsed(self) -> Manifest:
        """The parsed project. It is parsed once a process for the same contents, days and settings."""
        fixed = {name: value for name, value in self._variables.items() if name not in _COMPILED_VARS}
        # dbt takes a YAML file of the same time of change for the same file; with a var of their contents it cannot.
        fixed["contents"] = _contents_of(self._project_dir)
        key = (str(self._project_dir), str(self._profiles_dir), self._target, json.dumps(fixed, sort_keys=True))
        if key not in _PARSED:
            # Nothing that differs from run to run, so that dbt knows its own notes of the last one again.
            with _environment(**{ENDPOINT_VARIABLE: _ANY_ENDPOINT} if ENDPOINT_VARIABLE in os.environ else {}):
                result = self._invoke(dbtRunner(), ["parse", "--no-write-json"], fixed)
            _results(result, "parse")
            assert isinstance(result.result, Manifest)
            _PARSED[key] = result.result
        return _PARSED[key]

    def _invoke(
        self, runner: dbtRunner, arguments: Sequence[str], variables: Mapping[str, Any] | None = None
    ) -> dbtRunnerResult:
        os.environ.setdefault("DO_NOT_TRACK", "1")
        # No option of dbt comes from the environment.
        with _environment(**dict.fromkeys(_OPTION_VARIABLES)):
            return runner.invoke(
                [
                    *arguments,
                    # Nothing of dbt on stdout: --format json promises one document there.
                    *("--quiet", "--log-level", "none", "--log-level-file", "none"),
                    *("--project-dir", str(self._project_dir)),
                    *("--profiles-dir", str(self._profiles_dir)),
                    *("--target", self._target),
                    *("--target-path", str(self._state_dir / "dbt")),
                    *("--log-path", str(self._state_dir / "logs")),
                    *("--vars", json.dumps(self._variables if variables is None else variables)),
                ]
            )

    def _find_profiles(self) -> Path:
        """The user's profiles.yml; without one, a copy of the example that ships with trueup."""
        for folder in (
            os.environ.get(_PROFILES_VARIABLE, ""),
            str(self._project_dir),
            str(Path.home() / ".dbt"),
        ):
            profiles = Path(folder) / "profiles.yml"
            if folder and profiles.is_file() and "trueup:" in profiles.read_text(encoding="utf-8"):
                return Path(folder)
        copy = self._state_dir / "profiles"
        copy.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._project_dir / "profiles.example.yml", copy / "profiles.yml")
        return copy


def _contents_of(project_dir: Path) -> str:
    """A hash of all that dbt parses: the project's files, by name and content."""
    folders = (project_dir / name for name in ("models", "macros", "seeds", "tests"))
    files = [project_dir / "dbt_project.yml", *(path for folder in folders for path in folder.rglob("*.*"))]
    found = hashlib.sha256()
    for path in sorted(path for path in files if path.suffix in (".sql", ".yml", ".yaml", ".csv", ".md")):
        found.update(f"{path.relative_to(project_dir)} ".encode() + path.read_bytes())
    return found.hexdigest()


def _copy(manifest: Manifest) -> Manifest:
    """Dbt keeps what it compiles in the manifest: each command, of another moment, gets a fresh one. Its own copying
    fails on nodes that are switched off, and no command needs them.
    """
    disabled, manifest.disabled = manifest.disabled, {}
    try:
        return cast(Manifest, manifest.deepcopy())  # type: ignore[no-untyped-call]
    finally:
        manifest.disabled = disabled


def _option_variables(command: click.Command) -> Iterator[str]:
    """The environment variables that dbt takes for options: DBT_RESOURCE_TYPES drops tests, DBT_EMPTY all rows."""
    for option in command.params:
        yield from [option.envvar] if isinstance(option.envvar, str) else option.envvar or ()
    for one in getattr(command, "commands", {}).values():
        yield from _option_variables(one)


_OPTION_VARIABLES = frozenset(_option_variables(cli))


@contextmanager
def _environment(**values: str | None) -> Iterator[None]:
    """The environment with these values, or without those that are None, for as long as this lasts."""
    before = {name: os.environ.pop(name) for name in values if name in os.environ}
    os.environ.update({name: value for name, value in values.items() if value is not None})
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)
        os.environ.update(before)


def _listener(on_node: Callable[[str, int, int], None]) -> Callable[[EventMsg], None]:
    def hear(event: EventMsg) -> None:
        if event.info.name == "LogStartLine":
            data = event.data
            on_node(data.description, data.index, data.total)

    return hear


def _results(result: dbtRunnerResult, command: str) -> list[NodeResult]:
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception  # dbt catches Ctrl-C; the user meant all of trueup
    if result.exception is not None:
        raise DbtError(f"dbt {command} stopped: {_plain(result.exception)}")
    nodes = [
        NodeResult(
            node_id=one.node.unique_id,
            name=one.node.name,
            kind=str(one.node.resource_type),
            status=str(one.status),
            message=str(one.message or ""),
            seconds=float(one.execution_time),
            bytes_processed=int((one.adapter_response or {}).get("bytes_processed") or 0),
        )
        for one in getattr(result.result, "results", None) or []
        if getattr(one, "node", None) is not None
    ]
    broken = [node for node in nodes if node.status == "error"]
    if broken:
        names = ", ".join(node.name for node in broken[:5])
        raise DbtError(
            f"dbt {command} could not build {names}: {' '.join(broken[0].message.split())[:400]}",
            f"See the compiled SQL: dbt compile --select {broken[0].name}",
        )
    # A hook is no part of what was asked for.
    return [node for node in nodes if node.kind != "operation"]


def _plain(error: BaseException) -> str:
    """A dbt exception as one line, without its indentation and colours."""
    return " ".join(str(error).split())[:600]
