"""The duration of each step of a run."""

from __future__ import annotations

from time import monotonic

from trueup.runs.workplace import Listener


class Clock:
    """Reports each step to the listener and measures it. ``seconds`` by name of the step."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._name = ""
        self._began = 0.0
        self.seconds: dict[str, float] = {}

    def start(self, name: str) -> None:
        """End the previous step and begin this one."""
        self.finish()
        self._name, self._began = name, monotonic()
        self._listener.start(name)

    def finish(self) -> None:
        """End the step, if one is running."""
        self._listener.finish()
        if self._name:
            self.seconds[self._name] = round(monotonic() - self._began, 2)
        self._name = ""
