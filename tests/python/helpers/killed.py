"""A repair that kills its own process before the Nth call to a store or the topic; run as a child process.

``python -m helpers.killed embedded PATH OWNER N`` or ``… google PROJECT OWNER N``; it exits with 0 when there
were fewer calls than N.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from helpers.cases import KEY
from helpers.platforms import Embedded, Platform
from helpers.repairs import NIGHT, repairer
from trueup.completion.start import Phase4Topic
from trueup.completion.store import CompletionStore, Snapshot
from trueup.repair.documents.apply import repair_days


class Fuse:
    """Counts calls, and kills the process before the chosen one."""

    def __init__(self, last: int) -> None:
        self._left = last

    def burn(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class FusedStore:
    """A store that burns the fuse on every call."""

    def __init__(self, store: CompletionStore, fuse: Fuse) -> None:
        self._store, self._fuse = store, fuse

    def read(self, document_ids: Sequence[str]) -> dict[str, Snapshot]:
        self._fuse.burn()
        return self._store.read(document_ids)

    def replace(self, document_id: str, fields: Mapping[str, Any]) -> Snapshot:
        self._fuse.burn()
        return self._store.replace(document_id, fields)

    def create(self, document_id: str, fields: Mapping[str, Any]) -> None:
        self._fuse.burn()
        self._store.create(document_id, fields)

    def update(self, document_id: str, changes: Mapping[str, Any], update_time: datetime) -> None:
        self._fuse.burn()
        self._store.update(document_id, changes, update_time)

    def close(self) -> None:
        self._store.close()


class FusedTopic:
    """A topic that burns the fuse on every call."""

    def __init__(self, topic: Phase4Topic, fuse: Fuse) -> None:
        self._topic, self._fuse = topic, fuse

    def publish(self, message: Mapping[str, Any], attributes: Mapping[str, str]) -> str:
        self._fuse.burn()
        return self._topic.publish(message, attributes)

    def close(self) -> None:
        self._topic.close()


def main(kind: str, where: str, owner: str, last: str) -> None:
    """Repair the broken night until the fuse has burnt."""
    fuse = Fuse(int(last))
    platform: Platform
    if kind == "embedded":
        platform = Embedded(Path(where))
    else:
        from helpers.emulators import Google  # two seconds of imports that the embedded store does not need

        platform = Google(where, is_new=False)
    with repairer(platform, owner) as whole, closing(whole.documents):
        fused = replace(
            whole,
            documents=FusedStore(whole.documents, fuse),
            claims=FusedStore(whole.claims, fuse),
            topic=FusedTopic(whole.topic, fuse),
        )
        repair_days(fused, [NIGHT], fused.documents.read([KEY]))


if __name__ == "__main__":
    main(*sys.argv[1:])
