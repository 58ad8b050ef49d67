"""Where alerts keep what was told, and how they are sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trueup.completion.store import CompletionStore
from trueup.gateways.webhook import WebhookPoster
from trueup.reporting.alerts.settings import AlertSettings
from trueup.reporting.alerts.state import ALERTS
from trueup.reporting.alerts.telling import Courier
from trueup.runs.wiring import open_completions


def open_courier(settings: AlertSettings, project_dir: Path, target: str, owner: str) -> Courier:
    """Everything that a delivery needs. ``owner`` names this run and no other."""
    return Courier(state_opener(settings, project_dir, target), WebhookPoster(), owner)


def state_opener(settings: AlertSettings, project_dir: Path, target: str) -> Callable[[], CompletionStore]:
    """Opens the collection of what was told: in the SQLite file of the settings, or in Firestore without one."""

    def opened() -> CompletionStore:
        if settings.state is not None:
            settings.state.parent.mkdir(parents=True, exist_ok=True)
            return open_completions(settings.state, "", ALERTS)
        from trueup.gateways.dbt import DbtProject

        # The project is the target's, which only dbt knows.
        project = DbtProject(project_dir, project_dir / ".trueup", target, {}).target().project
        return open_completions(None, project, ALERTS)

    return opened
