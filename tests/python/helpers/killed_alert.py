"""A run that kills its own process before the Nth call to the store or the receiver; run as a child process.

``python -m helpers.killed_alert embedded PATH URL N`` or ``… google PROJECT URL N``; it exits with 0 when there were
fewer calls than N.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from helpers.alert_cases import finding, report
from helpers.doubles import around
from helpers.kills import kill_before, platform_at
from helpers.receivers import PATIENCE, courier
from trueup.gateways.webhook import WebhookPoster
from trueup.reporting.alerts.channels import AlertSettings
from trueup.reporting.alerts.deliver import send_alerts


def main(kind: str, place: str, url: str, last: str) -> None:
    """Send a report until the last call."""
    fuse, platform = kill_before(last), platform_at(kind, place)
    fused = courier(
        lambda name: around(platform.collection(name), fuse),
        owner=f"killed@{last}",
        # The lease expires at once, so the next run does not wait.
        patience=replace(PATIENCE, lease_seconds=0.0),
        poster=around(WebhookPoster(), fuse),
    )
    send_alerts(report(finding()), AlertSettings(webhook=url), fused)


if __name__ == "__main__":
    main(*sys.argv[1:])
