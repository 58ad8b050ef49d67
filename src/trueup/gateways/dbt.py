"""Runs dbt commands in this process and reports their progress and results."""

import hashlib
import json
import os
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import click
from dbt.adapters.bigquery.credentials import BigQueryCredentials
from dbt.cli.main import cli, dbtRunner, dbtRunnerResult
from dbt.config.runtime import load_profile
from dbt.contracts.graph.manifest import Manifest
from dbt.exceptions import DbtProjectError
from dbt.flags import set_from_args
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.context import set_invocation_context
from dbt_common.events.base_types import EventMsg
from dbt_common.exceptions import DbtBaseException

from trueup.errors import UsageError
from trueup.gateways.connection import Connection
from trueup.gateways.dbt_results import compiled_of, plain_error, results_of
from trueup.gateways.embedded import ENDPOINT_VARIABLE, PROJECT, Endpoint
from trueup.gateways.limits import labels_of
from trueup.parsing import read_file
from trueup.results.compiled import CompiledModel
from trueup.results.outcome import NodeResult

_ANY_ENDPOINT = Endpoint("http://127.0.0.1")  # parsing needs no warehouse
_NO_PROJECT = "my-project"  # of profiles.example.yml
_PROFILES_VARIABLE = "DBT_PROFILES_DIR"
# Parsing does not depend on these vars; models read them when they are compiled.
_COMPILED_VARS = frozenset({"as_of", "first_date", "last_date", "run_id", "families_off", "unreadable_sources"})
# For the text of a deprecation, dbt reads the source lines of the whole stack, 0.3 s for each command.
BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")  # type: ignore[method-assign]
# Cache of parsed projects by all inputs of parsing, which takes dbt four seconds.
_PARSED: dict[tuple[str, ...], Manifest] = {}


class DbtProject:
    """trueup's dbt project with a fixed target and vars."""

    def __init__(self, project_dir: Path, state_dir: Path, target: str, variables: Mapping[str, Any]) -> None:
        self._project_dir = project_dir
        self._state_dir = state_dir
        self._variables = dict(variables)
        self._target = target
        self._profiles_dir = self._find_profiles()

    def connection(self) -> Connection:
        """The connection of the target. Raises UsageError for an unknown target."""
        set_invocation_context(dict(os.environ))
        flags = Namespace(
            profiles_dir=str(self._profiles_dir),
            project_dir=str(self._project_dir),
            send_anonymous_usage_stats=False,
        )
        try:
            set_from_args(flags, {})  # reads dbt_project.yml
            profile = load_profile(str(self._project_dir), {}, target_override=self._target)
        except (DbtBaseException, DbtProjectError, OSError, TypeError, AttributeError, ValueError) as error:
            raise UsageError(
                f"The target {self._target!r} cannot be used: {plain_error(error)}",
                self._profile_hint(),
            ) from error
        if not isinstance(profile.credentials, BigQueryCredentials):
            raise UsageError(
                f"The target {self._target!r} is of the type {profile.credentials.type}, not bigquery.",
                f"Check {self._profiles_dir / 'profiles.yml'}.",
            )
        most = profile.credentials.maximum_bytes_billed
        if most is not None and most < 1:
            raise UsageError(
                f"The target {self._target!r} has maximum_bytes_billed {most}, which would be no limit.",
                "Set it (TRUEUP_MAXIMUM_BYTES_BILLED) to the most bytes that a query may be billed.",
            )
        connection = Connection(profile.credentials, labels_of(str(self._variables.get("run_id") or "none")))
        _refuse_contradictions(self._target, connection)
        return connection

    def run(self, arguments: Sequence[str], on_node: Callable[[str, int, int], None] | None = None) -> list[NodeResult]:
        """See Dbt. A failed test is a result, not an error."""
        result = self._invoke(dbtRunner(copied(self._parsed), [_listener(on_node)] if on_node else []), arguments)
        return results_of(result, arguments[0])

    def compiled(self, models: Sequence[str]) -> dict[str, CompiledModel]:
        """See Dbt."""
        result = self._invoke(dbtRunner(copied(self._parsed)), ["compile", "--select", *(f"+{one}" for one in models)])
        results_of(result, "compile")
        return compiled_of(result)

    @property
    def contents(self) -> str:
        """See Dbt."""
        return _contents_of(self._project_dir)

    def with_vars(self, variables: Mapping[str, Any]) -> "DbtProject":
        """See Dbt."""
        return DbtProject(self._project_dir, self._state_dir, self._target, {**self._variables, **variables})

    @property
    def checks(self) -> dict[str, str]:
        """See Dbt. A full run must build and test all of them. Raises DbtError if dbt cannot parse them."""
        manifest = self._parsed
        disabled = (node for nodes in manifest.disabled.values() for node in nodes)
        nodes = ((node.name, str(node.resource_type)) for node in (*manifest.nodes.values(), *disabled))
        return {name: kind for name, kind in nodes if kind in ("model", "test")}

    @property
    def replaced_tables(self) -> frozenset[str]:
        """See Dbt."""
        nodes = self._parsed.nodes.values()
        return frozenset(one.name for one in nodes if getattr(one.config, "materialized", "") == "table")

    @property
    def source_readers(self) -> frozenset[str]:
        """See Dbt."""
        nodes = self._parsed.nodes.values()
        return frozenset(
            one.name
            for one in nodes
            if str(one.resource_type) == "model" and any(name.startswith("source.") for name in one.depends_on_nodes)
        )

    @property
    def sources(self) -> dict[str, str]:
        """See Dbt."""
        found = self._parsed.sources.values()
        return {f"{one.source_name}.{one.name}": f"{one.database}.{one.schema}.{one.identifier}" for one in found}

    @property
    def ignored_variables(self) -> tuple[str, ...]:
        """The set environment variables that dbt would read as options. They are not passed to dbt."""
        return tuple(sorted(_OPTION_VARIABLES.intersection(os.environ) - {_PROFILES_VARIABLE}))

    @cached_property
    def _parsed(self) -> Manifest:
        """The parsed project. A process parses it once for the same contents and settings."""
        fixed = {name: value for name, value in self._variables.items() if name not in _COMPILED_VARS}
        # dbt detects changes of YAML files only by their time of change. A var with a hash of the contents is safe.
        fixed["contents"] = _contents_of(self._project_dir)
        key = (str(self._project_dir), str(self._profiles_dir), self._target, json.dumps(fixed, sort_keys=True))
        if key not in _PARSED:
            # Constant values, so that dbt can reuse its partial parse of the last run.
            with _environment(**_ANY_ENDPOINT.environment if ENDPOINT_VARIABLE in os.environ else {}):
                result = self._invoke(dbtRunner(), ["parse"], fixed)
            results_of(result, "parse")
            assert isinstance(result.result, Manifest)
            _PARSED[key] = result.result
        return _PARSED[key]

    def _invoke(
        self, runner: dbtRunner, arguments: Sequence[str], variables: Mapping[str, Any] | None = None
    ) -> dbtRunnerResult:
        os.environ.setdefault("DO_NOT_TRACK", "1")
        # dbt must not read options from the environment.
        with _environment(**dict.fromkeys(_OPTION_VARIABLES)):
            return runner.invoke(
                [
                    arguments[0],
                    "--no-write-json",  # nothing reads its artifacts
                    *arguments[1:],
                    # dbt must not write to stdout: --format json prints exactly one document there.
                    *("--quiet", "--log-level", "none", "--log-level-file", "none"),
                    *("--project-dir", str(self._project_dir)),
                    *("--profiles-dir", str(self._profiles_dir)),
                    *("--target", self._target),
                    *("--target-path", str(self._state_dir / "dbt")),
                    *("--log-path", str(self._state_dir / "logs")),
                    *("--vars", json.dumps(self._variables if variables is None else variables)),
                ]
            )

    def _profile_hint(self) -> str:
        if self._profiles_dir != self._state_dir / "profiles":
            return f"Check {self._profiles_dir / 'profiles.yml'}."
        if os.environ.get(_PROFILES_VARIABLE):
            return "A shell of trueup local has only the targets of profiles.example.yml, so nothing reaches BigQuery."
        return "Copy profiles.example.yml to profiles.yml, and add the target there."

    def _find_profiles(self) -> Path:
        """The folder of the user's profiles.yml, or of a copy of profiles.example.yml."""
        for folder in (os.environ.get(_PROFILES_VARIABLE, ""), str(self._project_dir), os.path.expanduser("~/.dbt")):
            profiles = Path(folder) / "profiles.yml"
            if folder and profiles.is_file() and "trueup:" in profiles.read_text(encoding="utf-8", errors="replace"):
                return Path(folder)
        return example_profiles(self._project_dir, self._state_dir)


def example_profiles(project_dir: Path, state_dir: Path) -> Path:
    """A folder with a copy of profiles.example.yml as profiles.yml. Raises UsageError if it cannot be copied."""
    example, folder = project_dir / "profiles.example.yml", state_dir / "profiles"
    try:
        text = example.read_bytes()
    except OSError as error:
        raise UsageError(f"{example} cannot be read: {error.strerror}.", "Restore it, or add profiles.yml.") from error
    copy = folder / "profiles.yml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not copy.is_file():  # a pipe, which would wait for its reader
            copy.unlink(missing_ok=True)
        copy.write_bytes(text)
    except OSError as error:
        raise UsageError(
            f"{error.filename} cannot be written: {error.strerror}.",
            f"Make {state_dir} a folder that you can write to, on a disk with room.",
        ) from error
    return folder


def _refuse_contradictions(name: str, target: Connection) -> None:
    if target.project.strip() in ("", _NO_PROJECT):
        raise UsageError(
            f"The target {name!r} has no project.",
            "Set TRUEUP_PROJECT to your Google Cloud project, or write it in profiles.yml.",
        )
    # Models recognise the embedded warehouse by its project, because dbt does not show them the endpoint.
    if target.is_embedded != (target.project == PROJECT):
        raise UsageError(
            f"The target {name!r} contradicts itself: its project is {target.project}, but its "
            f"api_endpoint is {'' if target.is_embedded else 'not '}an embedded warehouse.",
            f"In profiles.yml, use the project {PROJECT} for the embedded warehouse and for nothing else.",
        )


def _contents_of(project_dir: Path) -> str:
    """A hash of the names and contents of all files that dbt parses. Raises UsageError."""
    folders = (project_dir / name for name in ("models", "macros", "seeds", "tests"))
    files = [project_dir / "dbt_project.yml", *(path for folder in folders for path in folder.rglob("*.*"))]
    found = hashlib.sha256()
    for path in sorted(path for path in files if path.suffix in (".sql", ".yml", ".yaml", ".csv", ".md")):
        try:
            found.update(f"{path.relative_to(project_dir)} ".encode() + read_file(path))
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.", "Replace it by a file.") from error
    return found.hexdigest()


def copied(manifest: Manifest) -> Manifest:
    """A fresh manifest for each command, because dbt stores compiled SQL in it. dbt's own deepcopy fails on disabled
    nodes and on selectors, which no command of trueup needs.
    """
    kept = {name: getattr(manifest, name) for name in ("disabled", "selectors")}
    try:
        for name in kept:
            setattr(manifest, name, {})
        return cast(Manifest, manifest.deepcopy())  # type: ignore[no-untyped-call]
    finally:
        for name, value in kept.items():
            setattr(manifest, name, value)


def _option_variables(command: click.Command) -> Iterator[str]:
    """The environment variables that dbt reads as options: DBT_RESOURCE_TYPES can drop tests, DBT_EMPTY all rows."""
    for option in command.params:
        yield from [option.envvar] if isinstance(option.envvar, str) else option.envvar or ()
    for one in getattr(command, "commands", {}).values():
        yield from _option_variables(one)


_OPTION_VARIABLES = frozenset(_option_variables(cli))


@contextmanager
def _environment(**values: str | None) -> Iterator[None]:
    """Set these environment variables in this context; None removes a variable."""
    before = {name: os.environ.pop(name) for name in values if name in os.environ}
    os.environ.update({name: value for name, value in values.items() if value is not None})
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)
        os.environ.update(before)


def _listener(on_node: Callable[[str, int, int], None]) -> Callable[[EventMsg], None]:
    def on_event(event: EventMsg) -> None:
        if event.info.name == "LogStartLine":
            data = event.data
            on_node(data.description, data.index, data.total)

    return on_event
