"""Ports with something to happen around their calls."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar, cast

Port = TypeVar("Port")
Act = Callable[..., object]


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, not even what handles errors."""


def nothing(name: str, *arguments: object) -> None: ...


class _Around:
    def __init__(self, port: object, before: Act, after: Act) -> None:
        self._port, self._before, self._after = port, before, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._before(name, *arguments)
            result = method(*arguments, **named)
            self._after(name, *arguments)
            return result

        return call if callable(method) and name != "close" else method


def around(port: Port, before: Act = nothing, after: Act = nothing) -> Port:
    """A store, a topic or the like that tells each call but ``close`` before and after it: its name and arguments."""
    return cast(Port, _Around(port, before, after))


def nth(call: int, act: Callable[[], object], name: str = "") -> Act:
    """Acts at the Nth call, or at the Nth of this name."""
    calls = count(1)

    def heard(called: str, *arguments: object) -> None:
        if name in ("", called) and next(calls) == call:
            act()

    return heard


def raising(error: BaseException) -> Callable[[], None]:
    """Raises the error."""

    def act() -> None:
        raise error

    return act
