"""A run that kills its own process before the Nth call to the store or the receiver; run as a child process.

``python -m helpers.killed_alert embedded PATH URL OBSERVED N`` or ``… google PROJECT URL OBSERVED N``; it exits with
0 when there were fewer calls than N.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from helpers.alert_cases import finding, report
from helpers.killed import Fuse, FusedStore
from helpers.platforms import Embedded, Platform
from helpers.receivers import PATIENCE, courier
from trueup.gateways.webhook import WebhookPoster
from trueup.reporting.alerts.channels import AlertSettings
from trueup.reporting.alerts.deliver import send_alerts
from trueup.reporting.alerts.post import Answer, Poster


class FusedPoster:
    """A poster that burns the fuse on every call."""

    def __init__(self, poster: Poster, fuse: Fuse) -> None:
        self._poster, self._fuse = poster, fuse

    def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        self._fuse.burn()
        return self._poster.post(url, body, headers, seconds)


def main(kind: str, where: str, url: str, observed: str, last: str) -> None:
    """Send a report of ``observed`` excess rows until the fuse has burnt."""
    fuse = Fuse(int(last))
    platform: Platform
    if kind == "embedded":
        platform = Embedded(Path(where))
    else:
        from helpers.emulators import Google  # two seconds of imports that the embedded store does not need

        platform = Google(where, is_new=False)
    fused = courier(
        lambda name: FusedStore(platform.collection(name), fuse),
        owner=f"killed@{observed}-{last}",
        # The lease expires at once, so the next run does not wait.
        patience=replace(PATIENCE, lease_seconds=0.0),
        poster=FusedPoster(WebhookPoster(), fuse),
    )
    send_alerts(report(finding(observed=float(observed))), AlertSettings(webhook=url), fused)


if __name__ == "__main__":
    main(*sys.argv[1:])
