"""Opens what alerts need: the state of sent alerts and the webhook client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from trueup.completion.store import CompletionStore
from trueup.gateways.webhook import WebhookPoster
from trueup.reporting.alerts.sender import Courier
from trueup.reporting.alerts.settings import AlertSettings
from trueup.reporting.alerts.state import ALERTS
from trueup.runs.wiring import open_completions


def open_courier(settings: AlertSettings, project_dir: Path, target: str, owner: str) -> Courier:
    """Everything that a delivery needs. ``owner`` is unique to this run."""
    return Courier(state_opener(settings, project_dir, target), WebhookPoster(), owner)


def state_opener(settings: AlertSettings, project_dir: Path, target: str) -> Callable[[], CompletionStore]:
    """Returns a function that opens the state of sent alerts: in the SQLite file of the settings, else in Firestore."""

    def opened() -> CompletionStore:
        if settings.state is not None:
            settings.state.parent.mkdir(parents=True, exist_ok=True)
            return open_completions(settings.state, "", ALERTS)
        from trueup.gateways.dbt import DbtProject

        # Only dbt knows the project of the target.
        project = DbtProject(project_dir, project_dir / ".trueup", target, {}).target().project
        return open_completions(None, project, ALERTS)

    return opened
