"""The module is compiled once, and a crash is never a pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from helpers.support import PROJECT
from sqlcheck.catalog import Catalog, table_of
from sqlcheck.checker import Checker
from sqlcheck.engine import Engine, EngineCrashError

# Prints a line, then compiles a module of one function.
COMPILE = """
import sys
from pathlib import Path
from wasmtime import Engine, Module
from sqlcheck.engine import compiled_module

original = Module.from_file
def from_file(engine, path):
    print("compiled", flush=True)
    return original(engine, path)
Module.from_file = from_file
compiled_module(Engine(), Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_of_many_processes_one_compiles_the_module(tmp_path: Path) -> None:
    source = tmp_path / "small.wasm"
    source.write_bytes(wat2wasm('(module (func (export "f")))'))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "tools")}
    command = [sys.executable, "-c", COMPILE, str(source), str(tmp_path / "cache")]
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    said = [one.communicate(timeout=60)[0] for one in running]
    assert [one.returncode for one in running] == [0] * 6
    assert sorted(said) == [""] * 5 + ["compiled\n"]
    assert [path.suffix for path in (tmp_path / "cache").iterdir() if path.name != "lock"] == [".cwasm"]


def test_a_crash_is_an_error_and_the_next_statement_is_checked_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    checker = Checker(engine, Catalog({"p.d.t": table_of({"a": "int64"})}, default_project="p"))
    call = engine.call
    crashes = iter([True])

    def once(method: str, *arguments: object) -> object:
        if method == "Analyze" and next(crashes, False):
            engine._start()
            raise EngineCrashError("GoogleSQL crashed: unreachable")
        return call(method, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "call", once)
    assert "crashed" in checker.check("select a from d.t").errors[0].message
    assert checker.check("select a from d.t").errors == []
    assert checker.check("select b from d.t").errors
