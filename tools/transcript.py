"""Writes docs/reference/dbt.md: what dbt's commands print on the night of the incident, with and without the vars.

`make transcript` runs it; it takes some minutes.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "reference" / "dbt.md"
SCENARIO = "scenarios/incident-2026-02-03"
VARS = ' --vars "$TRUEUP_VARS"'
COMMANDS = (
    "dbt build",
    "dbt test",
    "dbt run",
    "dbt docs generate",
    "dbt ls --selector daily --resource-type model",
    "dbt source freshness",
    "dbt compile --select dup001_duplicate_rows",
    "dbt show --select findings --limit 3",
)
HEAD = """# dbt on the night of the incident

Every command runs twice in one session of `{session}`: with the session's vars (the days and the time of the night),
and without vars, as on any morning: the last seven days, of which this warehouse has no rows.
`make transcript` writes this page. Times and lines of nodes that passed are left out.
"""
_TIME = re.compile(r"^\d\d:\d\d:\d\d\s+", re.MULTILINE)
_QUIET = re.compile(
    r"^(?:\d+ of \d+ (?:START|OK|PASS|CREATE|SUCCESS|SKIP)|Running with|Registered adapter|Concurrency)"
)
_SECONDS = re.compile(r"(?:\d+ minutes? and |\d+ hours?,? )*\d+(?:\.\d+)? seconds(?: \(\d+\.\d+s\))?|\bin \d+\.\d+s")
_LISTED = 12


def main() -> int:
    """Run every command and write the page."""
    session = f"trueup local --scenario {SCENARIO}"
    commands = [command + ending for command in COMMANDS for ending in (VARS, "")]
    script = "\n".join(
        f"echo '@@ {one}'; {one.replace('dbt ', 'dbt --no-use-colors ', 1)} 2>&1; echo \"@= $?\"" for one in commands
    )
    printed = subprocess.run(
        [str(Path(sys.executable).with_name("trueup")), "local", "--scenario", SCENARIO, "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        cwd=PROJECT,
    ).stdout
    parts = [HEAD.format(session=session)]
    for part in printed.split("@@ ")[1:]:
        command, _, rest = part.partition("\n")
        text, _, code = rest.rpartition("@= ")
        parts.append(f"## `{command}`\n\n```\n{chr(10).join(shortened(text))}\n```\n\nExit code {code.strip()}.\n")
    PAGE.write_text("\n".join(parts), encoding="utf-8")
    return 0


def shortened(text: str) -> Iterator[str]:
    """The lines without times and paths; lines of nodes that passed, and long lists, as their number."""
    text = _SECONDS.sub("… seconds", _TIME.sub("", text)).replace(str(PROJECT), ".")
    left_out = 0
    lines = [line.rstrip() for line in text.strip().splitlines()]
    for line in folded(lines):
        if _QUIET.match(line):
            left_out += 1
            continue
        if left_out:
            yield f"({left_out} lines)"
            left_out = 0
        yield line
    if left_out:
        yield f"({left_out} lines)"


def folded(lines: Sequence[str]) -> Iterator[str]:
    """A list of names alone is shown up to its first lines."""
    is_list = len(lines) > 2 * _LISTED and all(re.fullmatch(r"[\w.:]+", line) for line in lines)
    yield from lines[:_LISTED] if is_list else lines
    if is_list:
        yield f"({len(lines) - _LISTED} more)"


if __name__ == "__main__":
    sys.exit(main())
