"""How many jobs of a run are in sequence, from the log of the strict stand-in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers.strict_service import Call

_OF_DBT = "/* {"  # dbt's query comment
_OF_SEEDS = "query"  # dbt gives a load job no step
# What Python reads at once.
READ_AT_ONCE = frozenset({"verdict_findings", "verdict_outcomes", "active_waivers"})


@dataclass
class _Node:
    """The jobs of one model, test, seed or suite: one after the other."""

    jobs: list[Call] = field(default_factory=list)

    @property
    def targets(self) -> set[str]:
        return {act.target for job in self.jobs for act in job.acts if act.target}

    @property
    def reads(self) -> set[str]:
        return {name for job in self.jobs for name in job.reads} - self.targets

    @property
    def is_test(self) -> bool:
        return not self.targets and bool(self.reads) and self.jobs[0].sql.startswith(_OF_DBT)


def rounds(jobs: Sequence[Call], suites: Collection[str], *, threads: int, suites_at_once: int) -> int:
    """The rounds of a run in which each job takes one round, and all else no time.

    Jobs of Python are one after the other, apart from READ_AT_ONCE. Between two of them, dbt runs as many nodes at once
    as it has threads, each after the nodes whose tables it reads and after their tests, and ``suites_at_once`` suites
    run at once.
    """
    total = 0
    group: list[Call] = []
    for number, job in enumerate(jobs):
        if _kind(job, suites) == "python":
            at_once = {one.labels["step"] for one in jobs[max(number - 1, 0) : number + 1]} <= READ_AT_ONCE
            total += _makespan(group, suites, threads, suites_at_once) + (not at_once or number == 0)
            group = []
        else:
            group.append(job)
    return total + _makespan(group, suites, threads, suites_at_once)


def _kind(job: Call, suites: Collection[str]) -> str:
    if job.sql.startswith(_OF_DBT):
        return "dbt"
    step = job.labels["step"]
    if not job.sql:
        return "seed" if step == _OF_SEEDS else "python"
    is_read = all(act.kind == "select" for act in job.acts)
    return "suite" if step in suites and is_read else "python"


def _makespan(group: Sequence[Call], suites: Collection[str], threads: int, suites_at_once: int) -> int:
    """One after the other: the seeds, dbt's other nodes, the suites."""
    limits = {"seed": threads, "dbt": threads, "suite": suites_at_once}
    return sum(
        _scheduled(_nodes([job for job in group if _kind(job, suites) == kind]), at_once)
        for kind, at_once in limits.items()
    )


def _nodes(jobs: Sequence[Call]) -> list[_Node]:
    found: dict[Any, _Node] = {}
    for place, job in enumerate(jobs):
        step = job.labels["step"]
        found.setdefault(place if step == _OF_SEEDS else step, _Node()).jobs.append(job)
    return list(found.values())


def _scheduled(nodes: Sequence[_Node], at_once: int) -> int:
    """The rounds of a schedule in which a node starts as soon as it can, those that came first in the log first."""
    needs = _needs(nodes)
    ends: dict[int, int] = {}
    now = 0
    while len(ends) < len(nodes):
        running = sum(end > now for end in ends.values())
        for place, node in enumerate(nodes):
            ready = place not in ends and all(ends.get(one, now + 1) <= now for one in needs[place])
            if ready and running < at_once:
                ends[place] = now + len(node.jobs)
                running += 1
        now += 1
    return max(ends.values(), default=0)


def _needs(nodes: Sequence[_Node]) -> list[set[int]]:
    """The nodes that each node waits for: dbt does not build a model before the tests of what it reads."""
    writers = {table: place for place, node in enumerate(nodes) for table in node.targets}
    needs = [{writers[name] for name in node.reads if name in writers} - {place} for place, node in enumerate(nodes)]
    above = [_ancestors(place, needs) for place in range(len(nodes))]
    for test, node in enumerate(nodes):
        if node.is_test:
            for place, other in enumerate(nodes):
                if not other.is_test and needs[test] and needs[test] <= above[place]:
                    needs[place].add(test)
    return needs


def _ancestors(place: int, needs: Sequence[set[int]]) -> set[int]:
    found: set[int] = set()
    waiting = [*needs[place]]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += needs[one]
    return found
