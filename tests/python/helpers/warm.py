"""Commands in processes forked from one that has imported everything: imports are most of the seconds of a command.

``python warm.py serve`` is that process; ``python -S warm.py SOCKET trueup ARGUMENTS`` runs a command in a fork of it,
with the caller's folder, environment, streams and signals, and ends with its exit code. Each fork is a process that has
run nothing before.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

_MODULES = (
    *("trueup.cli.main", "dbt.cli.main", "dbt.adapters.bigquery", "great_expectations", "trueup.runs.wiring"),
    *("trueup.runs.check", "trueup.runs.pulse.pulse", "trueup.gateways.expectations"),
)
_STREAMS = (0, 1, 2)
_MOST_BYTES = 2**20


def serve(path: str) -> None:
    """Fork for each connection, until standard input ends."""
    for name in _MODULES:
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for a command
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    _keep(connection)


def _keep(connection: socket.socket) -> None:
    """Run the command of a connection, tell its exit code, and end. If the caller is gone, the command is killed."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    text, streams, _, _ = socket.recv_fds(connection, _MOST_BYTES, len(_STREAMS))
    while not text.endswith(b"\n"):
        text += connection.recv(_MOST_BYTES)
    child = os.fork()
    if child == 0:
        connection.close()
        _become(json.loads(text), streams)
    connection.sendall(f"{child}\n".encode())
    handle = os.pidfd_open(child)
    if handle not in select.select([handle, connection], [], [])[0]:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(asked: dict[str, Any], streams: list[int]) -> None:
    """Be the command, with the caller's streams, folder and environment."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream, given in zip(_STREAMS, streams, strict=True):
        os.dup2(given, stream)
        os.close(given)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(stream, mode, buffering, encoding="utf-8", closefd=False)
        for stream, mode, buffering in ((0, "r", -1), (1, "w", -1), (2, "w", 1))
    )
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    import_module("random").seed()
    import_module("time").tzset()
    sys.argv = [asked["program"], *asked["arguments"]]
    code: Any
    try:
        if asked["program"] == "trueup":
            code = import_module("trueup.cli.main").main()
        else:
            code = import_module("dbt.cli.main").cli()
    except SystemExit as ended:
        code = ended.code
    import_module("threading")._shutdown()
    import_module("atexit")._run_exitfuncs()
    for output in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            output.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def ask(path: str, program: str, arguments: list[str]) -> int:
    """Run a command in a fork; its exit code."""
    asked = {
        "program": program,
        "arguments": arguments,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
    }
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        text = f"{json.dumps(asked)}\n".encode()
        socket.send_fds(connection, [text[:1]], list(_STREAMS))
        connection.sendall(text[1:])
        with connection.makefile() as answers:
            child = int(answers.readline())
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda number, _: os.kill(child, number))
            code = int(answers.readline())
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2], sys.argv[3:]))
