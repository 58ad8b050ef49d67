"""What replaying a scenario came to: whether it is as expected, and its forms for people and machines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trueup.reporting.json_form import json_text, plain_findings
from trueup.results.report import Report, unseen_days
from trueup.scenario.scenario import Comparison, ExpectedFinding, Scenario


@dataclass(frozen=True)
class Replay:
    """One scenario's run."""

    scenario: Scenario
    report: Report
    comparison: Comparison

    @property
    def is_match(self) -> bool:
        """Whether the run found exactly what is expected, and ended as the scenario says.

        A scenario that states no status expects that nothing stood in the way of what it asks for.
        """
        failures = self.unchecked if self.scenario.status is None else self.status_difference
        return not failures and self.comparison.is_match

    @property
    def status_difference(self) -> str:
        """How the status differs from the one that the scenario states; "" where it does not, or none is stated."""
        expected, status = self.scenario.status, self.report.status
        return "" if expected in (None, status) else f"status expected {expected}, was {status}"

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Why parts could not be checked.

        Of a scenario that states no status, what a run without some sources leaves unchecked counts only in the
        suites that the scenario asks for.
        """
        asked = {suite.rule for suite in self.report.suites}
        is_stated = self.scenario.status is not None
        blocked = [f"{one.rule}: {one.reason}" for one in self.report.blocked if is_stated or one.rule in asked]
        # Whether a night looked at too early is what a scenario means, it says by its status.
        unseen = () if is_stated else tuple(unseen_days(self.report.outcomes, self.report.window))
        return tuple(one for one in dict.fromkeys((*self.report.problems, *blocked)) if one not in unseen)

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that there is to say beside the findings: the status first, then what could not be checked."""
        difference = [self.status_difference] if self.status_difference else []
        return (*difference, *self.unchecked)


def replays_to_json(replays: Sequence[Replay]) -> str:
    """The one JSON document that ``trueup replay --format json`` prints: a list, one object for each scenario."""
    return json_text([_plain(one) for one in replays])


def _plain(replay: Replay) -> dict[str, Any]:
    return {
        "name": replay.scenario.name,
        "status": replay.report.status,
        "findings": plain_findings(replay.report.findings),
        "missing": [_plain_expected(one) for one in replay.comparison.missing],
        "unexpected": list(replay.comparison.unexpected),
        "problems": list(replay.problems),
    }


def _plain_expected(expected: ExpectedFinding) -> dict[str, Any]:
    """An expected finding as a scenario writes it: ``observed`` only where it was given."""
    return {name: value for name, value in asdict(expected).items() if value is not None}
