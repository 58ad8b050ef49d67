"""Many callers of ``trueup serve`` at once, on the night of the incident.

``python bench/serve.py --seconds 60`` prints what they got and exits with 1 if two checks ran at once, an answer was
not 503 with the night's findings, or the 99th percentile of the answers that were not made for their caller is above
100 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import requests

from trueup.cli.health import PATH

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = ROOT / "scenarios" / "incident-2026-02-03"
MOST_SECONDS = 0.1
PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class Got:
    """One answer."""

    status: int
    seconds: float
    is_last: bool
    rules: frozenset[str]


@cache
def rules_in(document: str) -> frozenset[str]:
    return frozenset(one["rule"] for one in json.loads(document).get("findings", ()))


def call(url: str, until: float, got: list[Got]) -> None:
    with requests.Session() as session:
        while time.monotonic() < until:
            began = time.monotonic()
            answer = session.post(url, timeout=300)
            seconds = time.monotonic() - began
            got.append(Got(answer.status_code, seconds, "Age" in answer.headers, rules_in(answer.text)))
            # Callers of a health check do something else in between, and share this machine with the server.
            time.sleep(PAUSE_SECONDS)


def checks_running() -> int:
    """How many checks this process's server has going on."""
    parents, checks = {}, []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if b"check" in (folder / "cmdline").read_bytes().split(b"\0"):
                checks.append(int(folder.name))
    return sum(os.getpid() in ancestors(one, parents) for one in checks)


def ancestors(process: int, parents: dict[int, int]) -> set[int]:
    found: set[int] = set()
    while process in parents:  # ends at 0, which is no process
        process = parents[process]
        found.add(process)
    return found


def measure(url: str, callers: int, seconds: float) -> bool:
    # Before the first answer there is no last one, and all wait.
    began = time.monotonic()
    requests.post(url, timeout=300)
    print(f"the first answer: {time.monotonic() - began:.1f} s")
    got: list[Got] = []
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=call, args=(url, until, got)) for _ in range(callers)]
    for one in threads:
        one.start()
    most = 0
    while any(one.is_alive() for one in threads):
        most = max(most, checks_running())
        time.sleep(0.2)
    last = sorted(one.seconds for one in got if one.is_last)
    tail = last[int(len(last) * 0.99)]
    print(f"{len(got):,} answers to {callers} callers in {seconds:.0f} s: {dict(Counter(one.status for one in got))}")
    print(f"{len(got) - len(last)} made for their caller, by at most {most} checks at once; {len(last):,} the last one")
    print(f"the last answer: median {last[len(last) // 2] * 1000:.0f} ms, 99 % within {tail * 1000:.0f} ms")
    is_right = all(one.status == 503 and {"DONE001", "DUP001"} <= one.rules for one in got)
    return most == 1 and is_right and tail <= MOST_SECONDS


def main() -> int:
    """Serve and call."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--callers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    trueup = [sys.executable, "-m", "trueup.cli.main"]
    shell = [*trueup, "local", "--scenario", str(SCENARIO), "--", *trueup, "serve", "--port", str(port)]
    with subprocess.Popen(shell, cwd=ROOT, stdin=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until and server.poll() is None:
                with suppress(requests.ConnectionError):
                    requests.get(f"http://127.0.0.1:{port}/live", timeout=5)
                    break
                time.sleep(0.2)
            is_right = measure(f"http://127.0.0.1:{port}{PATH}", options.callers, options.seconds)
        finally:
            server.terminate()
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
