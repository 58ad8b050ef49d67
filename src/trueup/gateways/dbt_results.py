"""The results of dbt's commands."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dbt.cli.main import dbtRunnerResult

from trueup.errors import DbtError
from trueup.gateways.refusals import step_for
from trueup.results.bytes import Bytes
from trueup.results.compiled import CompiledModel
from trueup.results.outcome import NodeResult


def compiled_of(result: dbtRunnerResult) -> dict[str, CompiledModel]:
    """The models that a compile command has compiled, by name."""
    return compiled_models(one.node.to_dict() for one in getattr(result.result, "results", []))


def compiled_models(nodes: Iterable[Mapping[str, Any]]) -> dict[str, CompiledModel]:
    """The models among the nodes of a manifest, by name."""
    return {
        node["name"]: CompiledModel(
            relation=node["relation_name"],
            sql=node["compiled_code"],
            # The name of a model or seed is the third part of its id; the fourth is its version.
            reads=tuple(one.split(".")[2] for one in node["depends_on"]["nodes"] if not one.startswith("source.")),
            columns={name: str(column["data_type"]) for name, column in node["columns"].items()},
        )
        for node in nodes
        if node["resource_type"] == "model"
    }


def results_of(result: dbtRunnerResult, command: str) -> list[NodeResult]:
    """The results of a command, without those of hooks. Raises DbtError if it stopped, or a node is broken."""
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception  # dbt catches Ctrl-C, but it must stop all of trueup
    if result.exception is not None:
        text = plain_error(result.exception)
        path = "Check that path, its permissions and the free disk space." if "[Errno" in text else ""
        raise DbtError(f"dbt {command} stopped: {text}", step_for(text) or path)
    nodes = [
        NodeResult(
            name=one.node.name,
            kind=str(one.node.resource_type),
            status=str(one.status),
            message=str(one.message or ""),
            seconds=float(one.execution_time),
            bytes=_bytes(one.adapter_response or {}),
            ran=_ran(one.timing),
        )
        for one in getattr(result.result, "results", None) or []
        if getattr(one, "node", None) is not None
    ]
    broken = [node for node in nodes if node.status == "error"]
    if broken:
        names = ", ".join(node.name for node in broken[:5])
        # A lost network breaks others in its own ways.
        cause = next((node for node in broken if "does not answer" in node.message), broken[0])
        text = " ".join(cause.message.split())[:400]
        raise DbtError(
            f"dbt {command} could not build {names}: {text}",
            step_for(text) or f"See the compiled SQL: dbt compile --select {cause.name}",
        )
    return [node for node in nodes if node.kind != "operation"]


def _bytes(response: Mapping[str, Any]) -> Bytes:
    """The bytes of a node's main statement. dbt does not report those of its temporary tables."""
    return Bytes(int(response.get("bytes_processed") or 0), int(response.get("bytes_billed") or 0))


def plain_error(error: BaseException) -> str:
    """A dbt exception as one line, without its indentation and colours."""
    return " ".join(str(error).split())[:600]


def _ran(timing: Sequence[Any]) -> tuple[datetime, datetime] | None:
    """When dbt executed a node: its times are in UTC, without an offset."""
    done = [one for one in timing if one.name == "execute" and one.started_at and one.completed_at]
    return (done[0].started_at.replace(tzinfo=UTC), done[0].completed_at.replace(tzinfo=UTC)) if done else None
