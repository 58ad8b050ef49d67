"""A repair that kills its own process before the Nth call to a store or the topic; run as a child process.

``python -m helpers.killed embedded PATH OWNER N`` or ``… google PROJECT OWNER N``; it exits with 0 when there
were fewer calls than N.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from helpers.cases import KEY
from helpers.doubles import around
from helpers.kills import kill_before, platform_at
from helpers.repairs import NIGHT, repairer
from trueup.repair.documents.apply import repair_days


def main(kind: str, place: str, owner: str, last: str) -> None:
    """Repair the broken night until the last call."""
    fuse = kill_before(last)
    with repairer(platform_at(kind, place), owner) as whole:
        fused = replace(
            whole,
            documents=around(whole.documents, fuse),
            claims=around(whole.claims, fuse),
            topic=around(whole.topic, fuse),
        )
        repair_days(fused, [NIGHT], fused.documents.read([KEY]))


if __name__ == "__main__":
    main(*sys.argv[1:])
