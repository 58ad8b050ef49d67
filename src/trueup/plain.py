r"""Text of others (names, values, messages) made safe to show.

A name may hold characters that move the cursor of a terminal, end a line of a log, reverse the reading order, or are
not allowed in XML. They become visible escapes, such as ``\x1b``. Every class of results and every error cleans its
texts when it is made, so each output (terminal, JSON, page, JUnit, alert) only has to know its own markup.
"""

import re
import reprlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

# Controls, line and paragraph separators, marks and overrides of the reading order, lone surrogates, noncharacters.
_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff\ud800-\udfff"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}-{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17))
    + "\U000e0000-\U000e0fff"
)
_UNSAFE_IN_LINE = re.compile(f"[{_UNSAFE}\t\n]")
_UNSAFE_IN_TEXT = re.compile(f"[{_UNSAFE}]")


def plain(text: str) -> str:
    """The text as one line."""
    return _UNSAFE_IN_LINE.sub(_visible, text)


def plain_text(text: str) -> str:
    """The text with its tabs and line ends."""
    return _UNSAFE_IN_TEXT.sub(_visible, text.replace("\r\n", "\n"))


def shown(value: Any) -> str:
    """A short form of any value of others. repr() alone fails on huge, deeply nested or odd ones."""
    try:
        text = reprlib.repr(value)
    except Exception:  # as of integers of thousands of digits
        return f"a value of type {type(value).__name__}, too long to print"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _visible(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "backslashreplace").decode()


class Plain:
    """A base of dataclasses: each text in its fields becomes one line; ``_with_lines`` names fields that keep lines."""

    _with_lines: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            clean = plain_text if one.name in self._with_lines else plain
            if (cleaned := _cleaned(value, clean)) is not value:
                object.__setattr__(self, one.name, cleaned)


def _cleaned(value: Any, clean: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {_cleaned(key, clean): _cleaned(one, clean) for key, one in value.items()}
    if isinstance(value, list | tuple) and any(isinstance(one, str | Mapping | list | tuple) for one in value):
        return type(value)(_cleaned(one, clean) for one in value)
    return value
