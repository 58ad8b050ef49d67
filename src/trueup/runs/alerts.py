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
from trueup.settings import IN_FIRESTORE


def open_courier(settings: AlertSettings, project_dir: Path, target: str, owner: str) -> Courier:
    """Everything that a delivery needs. ``owner`` is unique to this run."""
    return Courier(state_opener(settings, project_dir, target), WebhookPoster(), owner)


def state_opener(settings: AlertSettings, project_dir: Path, target: str) -> Callable[[], CompletionStore]:
    """Returns a function that opens the state of sent alerts: a SQLite file, or Firestore. See AlertSettings."""

    def opened() -> CompletionStore:
        if settings.state not in ("", IN_FIRESTORE):
            return in_file(Path(settings.state))
        from trueup.gateways.dbt import DbtProject

        # Only dbt knows the project of the target.
        place = DbtProject(project_dir, project_dir / ".trueup", target, {}).target()
        if place.is_embedded and settings.state != IN_FIRESTORE:
            return in_file(project_dir / ".trueup" / "alerts.db")
        return open_completions(None, place.project, ALERTS)

    def in_file(file: Path) -> CompletionStore:
        file.parent.mkdir(parents=True, exist_ok=True)
        return open_completions(file, "", ALERTS)

    return opened
