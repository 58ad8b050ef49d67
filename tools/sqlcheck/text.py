"""Positions in a statement: in the original text, and in the text for GoogleSQL."""

import bisect
import re

# Comments and literals are skipped. A quoted name with dots is a path: `p.d.t` is `p`.`d`.`t`.
_LEXEMES = re.compile(
    r"(?P<skip>\#[^\n]*|--[^\n]*|/\*.*?\*/"
    r"|(?:[rR][bB]?|[bB][rR]?)?(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\""
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"))"
    r"|(?P<name>`(?:\\.|[^`\\])*`)",
    re.DOTALL,
)
_TAB = 8


class Text:
    """A statement for GoogleSQL (``text``), with the positions in the original (``written``).

    BigQuery accepts a whole path in backquotes; GoogleSQL needs each name in its own.
    """

    def __init__(self, written: str) -> None:
        self.written = written
        self._anchors = [(0, 0)]
        parts: list[str] = []
        length = end = 0
        for found in _LEXEMES.finditer(written):
            name = found.group("name")
            if name is None or "." not in name:
                continue
            parts.append(written[end : found.start()])
            length += found.start() - end
            at = found.start()
            for number, one in enumerate(name[1:-1].split(".")):
                self._anchors.append((length, at + bool(number)))
                quoted = f"{'.' if number else ''}`{one}`"
                parts.append(quoted)
                length += len(quoted)
                at += len(one) + 1
            end = found.end()
            self._anchors.append((length, end))
        self.text = "".join([*parts, written[end:]])
        self.bytes = self.text.encode()
        self._starts = [anchor for anchor, _ in self._anchors]

    def slice(self, start: int, end: int) -> str:
        """The text between two byte offsets."""
        return self.bytes[start:end].decode()

    def position(self, byte_offset: int) -> tuple[int, int]:
        """Line and column (from 1) in the original, of a byte of the text."""
        return self._position(len(self.bytes[:byte_offset].decode(errors="ignore")))

    def position_of_message(self, line: int, column: int) -> tuple[int, int]:
        """The same for a line and column of a message, which count a tab up to the next multiple of eight."""
        lines = self.text.split("\n")
        offset = sum(len(one) + 1 for one in lines[: line - 1])
        shown = lines[line - 1] if line <= len(lines) else ""
        reached = index = 0
        while index < len(shown) and reached < column - 1:
            reached = (reached // _TAB + 1) * _TAB if shown[index] == "\t" else reached + 1
            index += 1
        return self._position(offset + index)

    def _position(self, offset: int) -> tuple[int, int]:
        start, written = self._anchors[bisect.bisect_right(self._starts, offset) - 1]
        at = min(written + offset - start, len(self.written))
        return self.written.count("\n", 0, at) + 1, at - self.written.rfind("\n", 0, at)
