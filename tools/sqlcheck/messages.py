"""Maps errors from a line of compiled SQL to the line in the source file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

from sqlcheck.checker import Problem
from sqlcheck.language import read_data
from sqlcheck.statements import Statement


@dataclass(frozen=True)
class Place:
    """A line of a file of the project. ``is_exact``: the line has this text; else the text is generated near it."""

    file: Path
    line: int
    is_exact: bool


def render(statement: Statement, problem: Problem, project: Path) -> str:
    """A problem as text: place, message, compiled line, and what to write instead, if known."""
    lines = statement.sql.splitlines()
    text = lines[problem.line - 1] if 0 < problem.line <= len(lines) else ""
    place = find_source(statement, problem.line, project)
    severity = "warning" if problem.is_warning else "refused"
    near = "" if place.is_exact else "near "
    report = [
        f"{near}{place.file}:{place.line}: {severity}: {problem.message}",
        f"    {statement.kind} {statement.name}, compiled line {problem.line}, column {problem.column}:",
        f"    {text.strip()}",
    ]
    indent = len(text) - len(text.lstrip())
    if text.strip() and problem.column > indent:
        report.append(f"    {' ' * (problem.column - 1 - indent)}^")
    hint = hint_for(text, problem.message)
    return "\n".join([*report, *([f"    → {hint}"] if hint else [])])


def hint_for(line: str, message: str) -> str:
    """What to write instead, or ""."""
    for one in read_data("hints")["hints"]:
        patterns = [(one[key], text) for key, text in (("statement", line), ("message", message)) if key in one]
        if all(re.search(pattern, text, re.IGNORECASE) for pattern, text in patterns):
            return str(one["hint"])
    return ""


def find_source(statement: Statement, line: int, project: Path) -> Place:
    """The source of a compiled line: the model's file, else a macro's file, else a near line of the model's file."""
    body = statement.body.splitlines()
    index = line - 1 - statement.body_line
    if not statement.body or not 0 <= index < len(body):
        return Place(statement.source, statement.source_line, False)
    source = read_lines(project / statement.source)
    exact, near = _align(source, body, index)
    if exact:
        return Place(statement.source, exact, True)
    text = body[index].strip()
    for macro in sorted((project / "macros").glob("*.sql")) + sorted((project / "tests" / "generic").glob("*.sql")):
        for number, one in enumerate(read_lines(macro), 1):
            if text and one.strip() == text:
                return Place(macro.relative_to(project), number, True)
    return Place(statement.source, near, False)


@cache
def read_lines(path: Path) -> Sequence[str]:
    """The lines of a file; none if the file does not exist."""
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def _align(source: Sequence[str], body: Sequence[str], index: int) -> tuple[int, int]:
    """The source line of a compiled line (0: none), and the nearest source line before it."""
    matcher = SequenceMatcher(None, [one.strip() for one in source], [one.strip() for one in body], autojunk=False)
    near = 1
    for block in matcher.get_matching_blocks():
        if block.b <= index < block.b + block.size:
            return block.a + index - block.b + 1, block.a + index - block.b + 1
        if block.size and block.b + block.size <= index:
            near = min(block.a + block.size + 1, len(source))
    alone = [number for number, one in enumerate(source, 1) if one.strip() == body[index].strip()]
    return (alone[0] if len(alone) == 1 else 0), near
