"""Writes docs/reference/dbt.md: what dbt's commands print on the night of the incident, with and without the vars.

`make transcript` runs it; it takes some minutes.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
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
    "dbt show --inline \"select rule, subject, summary from {{ ref('findings') }}\"",
)
HEAD = """# dbt on the night of the incident

Every command runs in one session of `{session}`: first all of them with the session's vars (the days and the time of
the night), then all without vars, as on any morning: for the last seven days, of which this warehouse has no rows.

`make transcript` writes this page. Times, lines of nodes that passed and most lines of long lists are left out.
"""
_TIME = re.compile(r"^\d\d:\d\d:\d\d\s+", re.MULTILINE)
_QUIET = re.compile(
    r"^(?:\d+ of \d+ (?:START|OK|PASS|CREATE|SUCCESS|SKIP)|Running with|Registered adapter|Concurrency)"
)
_SECONDS = re.compile(r"(?:\d+ minutes? and |\d+ hours?,? )*\d+(?:\.\d+)? seconds(?: \(\d+\.\d+s\))?|\bin \d+\.\d+s")
# Lines that come in long lists.
_LISTED = {
    "names": re.compile(r"trueup\.[\w.]+"),
    "lines about failed tests": re.compile(r"Failure in test|Got \d+ result|compiled code at|\d+ of \d+ FAIL"),
}
_SHOWN = 6


def main() -> int:
    """Run every command and write the page."""
    session = f"trueup local --scenario {SCENARIO}"
    commands = [command + ending for ending in (VARS, "") for command in COMMANDS]
    script = "\n".join(f'echo {shlex.quote(f"@@ {one}")}; {_plain(one)} 2>&1; echo "@= $?"' for one in commands)
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


def _plain(command: str) -> str:
    return command.replace("dbt ", "dbt --no-use-colors ", 1)


def shortened(text: str) -> Iterator[str]:
    """The lines without times and paths. Lines of nodes that passed are left out, and most lines of long lists."""
    text = _SECONDS.sub("… seconds", _TIME.sub("", text)).replace(str(PROJECT), ".")
    listed = dict.fromkeys(_LISTED, 0)
    for line in (line.rstrip() for line in text.strip().splitlines()):
        kind = next((name for name, pattern in _LISTED.items() if pattern.match(line.strip())), None)
        if kind is not None:
            listed[kind] += 1
            if listed[kind] > _SHOWN:
                continue
        if not _QUIET.match(line):
            yield line
    yield from (f"({count - _SHOWN} more {name} are left out)" for name, count in listed.items() if count > _SHOWN)


if __name__ == "__main__":
    sys.exit(main())
