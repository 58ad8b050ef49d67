"""Pulses that are killed at random: no alert is lost, and none is told twice.

``PYTHONPATH=tests/python python bench/killed_pulses.py`` runs the command on the night of the incident, in rounds of
three pulses of which two are killed with SIGKILL at a random moment. In every other round the documents are gone, so
that each round has something to tell and to close. A receiver records what was sent. A message that is sent again has
the key of the first one, and counts once.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from helpers.command_line import copy_project
from helpers.receivers import Receiver, receiver
from helpers.replaying import Silent
from trueup.runs.session import session_environment
from trueup.scenario.scenario import load_scenario
from trueup.schemas import read_table_schemas
from trueup.temporary import temporary_folder

ROOT = Path(__file__).resolve().parents[1]
NIGHT = ROOT / "scenarios" / "incident-2026-02-03"
# One pulse with a warm program takes about as long, on the machine of docs/how-to/pulse.md.
LONGEST_SECONDS = 4.0


def main() -> None:
    """Kill pulses, and compare what was told with what is open."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21, help="an odd number, so that the documents are there at last")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pulses = 3 * (options.rounds // 2 * 2 + 1)
    chance = random.Random(options.seed)
    scenario = load_scenario(NIGHT, read_table_schemas(ROOT / "models"))
    with (
        temporary_folder() as folder,
        session_environment(NIGHT, ROOT, folder / "state", Silent()) as environment,
        receiver() as hook,
    ):
        project = copy_project(folder / "project")
        settings = {
            **os.environ,
            **environment,
            "TRUEUP_WEBHOOK": hook.url,
            "TRUEUP_ALERT_STATE": str(folder / "alerts.db"),
            "PYTHONPATH": str(ROOT / "src"),
        }
        ended = Counter[str]()
        documents, away = Path(environment["TRUEUP_COMPLETIONS"]), folder / "away.db"
        for number in range(pulses):
            if number % 3 == 0 and number:
                (away if away.exists() else documents).rename(documents if away.exists() else away)
            as_of = scenario.as_of - timedelta(minutes=1) * (pulses - 1 - number)
            is_spared = number in (0, pulses - 1)  # the first one compiles, the last one is compared
            seconds = None if is_spared or number % 3 == 2 else chance.uniform(0, LONGEST_SECONDS)
            ended[_pulse(project, settings, as_of.isoformat(), seconds)] += 1
        still_open = _told(hook)
    print(f"{pulses} pulses: {dict(ended)}; {len(hook.keys)} requests, {len(set(hook.keys))} messages")
    expected = {(one.rule, one.subject) for one in scenario.expect}
    assert still_open == expected, (still_open, expected)
    print(f"{len(still_open)} findings are open, each told once; none is lost.")


def _pulse(project: Path, settings: dict[str, str], as_of: str, seconds: float | None) -> str:
    command = [sys.executable, "-m", "trueup.cli.main", "pulse", "--as-of", as_of]
    with subprocess.Popen(
        command, cwd=project, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as child:
        if seconds is None:
            assert child.wait() in (0, 1, 3), child.returncode
            return "ended"
        time.sleep(seconds)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            return "killed"
        return "ended before it was killed"


def _told(hook: Receiver) -> set[tuple[str, str]]:
    """What is open by the messages, in their order. Asserts that nothing is told twice, or closed that is not open."""
    still_open: set[tuple[str, str]] = set()
    for key in dict.fromkeys(hook.keys):
        bodies = [one.body for one in hook.received if one.key == key]
        assert all(one == bodies[0] for one in bodies), f"{key} was sent with two contents"
        for one in bodies[0]["resolved"]:
            still_open.remove((one["rule"], one["subject"]))
        for one in bodies[0]["new"]:
            assert (one["rule"], one["subject"]) not in still_open, f"told twice: {one}"
            still_open.add((one["rule"], one["subject"]))
    return still_open


if __name__ == "__main__":
    main()
