"""The result of a replay: does it match the scenario, and its JSON form. Pure functions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from trueup.reporting.json_form import json_text, plain_findings
from trueup.results.report import Report, unseen_days
from trueup.results.told import Told
from trueup.scenario.scenario import Comparison, ExpectedFinding, Scenario
from trueup.window import EASTERN


@dataclass(frozen=True)
class Replay:
    """One scenario's run. ``timeline``: what pulses told, None if it was not asked for."""

    scenario: Scenario
    report: Report
    comparison: Comparison
    timeline: tuple[Told, ...] | None = None

    @property
    def is_match(self) -> bool:
        """Whether the findings are exactly the expected ones, and the status is the expected one.

        A scenario without a status expects ``unchecked`` to be empty.
        """
        failures = self.unchecked if self.scenario.status is None else self.status_difference
        return not failures and self.comparison.is_match and not self.told_differences

    @property
    def told_differences(self) -> tuple[str, ...]:
        """Where the timeline differs from the times that the scenario expects."""
        if self.timeline is None:
            return ()
        told: dict[str, datetime] = {}
        for one in self.timeline:
            if one.kind == "told":
                told.setdefault(one.rule, one.at)
        return tuple(
            f"{rule} first told {_local(at)} expected, was {_local(told[rule]) if rule in told else 'never'}"
            for rule, at in self.scenario.expect_told.items()
            if told.get(rule) != at
        )

    @property
    def status_difference(self) -> str:
        """The difference from the scenario's status; "" if there is none, or the scenario states no status."""
        expected, status = self.scenario.status, self.report.status
        return "" if expected in (None, status) else f"status expected {expected}, was {status}"

    @property
    def unchecked(self) -> tuple[str, ...]:
        """The reasons why parts could not be checked.

        If the scenario states no status, only the suites that it enables count, not the rules whose sources it lacks.
        """
        asked = {suite.rule for suite in self.report.suites}
        is_stated = self.scenario.status is not None
        blocked = [f"{one.rule}: {one.reason}" for one in self.report.blocked if is_stated or one.rule in asked]
        # A scenario that is checked before the day is over must state its status.
        unseen = () if is_stated else tuple(unseen_days(self.report.outcomes, self.report.window))
        return tuple(one for one in dict.fromkeys((*self.report.problems, *blocked)) if one not in unseen)

    @property
    def problems(self) -> tuple[str, ...]:
        """The status difference, then the reasons why parts could not be checked."""
        difference = [self.status_difference] if self.status_difference else []
        return (*difference, *self.unchecked)


def _local(at: datetime) -> str:
    return at.astimezone(EASTERN).isoformat(timespec="minutes")


def replays_to_json(replays: Sequence[Replay]) -> str:
    """The output of ``trueup replay --format json``: a list with one object for each scenario."""
    return json_text([_plain(one) for one in replays])


def _plain(replay: Replay) -> dict[str, Any]:
    return {
        "name": replay.scenario.name,
        "status": replay.report.status,
        "findings": plain_findings(replay.report.findings),
        "missing": [_plain_expected(one) for one in replay.comparison.missing],
        "unexpected": list(replay.comparison.unexpected),
        "problems": [*replay.problems, *replay.told_differences],
        **({} if replay.timeline is None else {"timeline": [asdict(one) for one in replay.timeline]}),
    }


def _plain_expected(expected: ExpectedFinding) -> dict[str, Any]:
    """An expected finding as in scenario.yml; ``observed`` only if it is given."""
    return {name: value for name, value in asdict(expected).items() if value is not None}
