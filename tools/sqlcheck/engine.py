"""GoogleSQL's WebAssembly build in this process.

Compiling the module takes 12 s and a gigabyte. The result is cached in a file outside git.
"""

import ctypes
import fcntl
import hashlib
import os
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, cast

from google.protobuf.message import Message
from wasmtime import Config, Linker, Module, Store, Trap, WasiConfig, WasmtimeError
from wasmtime import Engine as Wasmtime
from zetasql.wasi import get_wasm_path

CACHE_VARIABLE = "SQLCHECK_CACHE"
_DEFAULT_CACHE = Path(__file__).resolve().parents[2] / ".trueup" / "googlesql"
_SERVICE = "ZetaSqlLocalService_"
AnyMessage = TypeVar("AnyMessage", bound=Message)


class SqlError(Exception):
    """GoogleSQL refused a statement, or could not execute it."""


class EngineCrashError(SqlError):
    """The instance ended during a call; the next call gets a new one."""


class Engine:
    """One instance of GoogleSQL's local service. Not safe for threads.

    ``cache_dir``: cache of the compiled module; default: SQLCHECK_CACHE, else .trueup/googlesql.
    """

    def __init__(self, cache_dir: Path | None = None) -> None:
        config = Config()
        config.shared_memory = True
        self._wasmtime = Wasmtime(config)
        cache = cache_dir or Path(os.environ.get(CACHE_VARIABLE, _DEFAULT_CACHE))
        self._module = compiled_module(self._wasmtime, Path(get_wasm_path()), cache)
        self._start()

    def call(self, method: str, request: Message, response_type: type[AnyMessage]) -> AnyMessage:
        """Call the service. Raises SqlError with its message, EngineCrashError if the instance ends."""
        data = request.SerializeToString()
        try:
            answer = self._call(method, data)
        except (Trap, WasmtimeError) as error:
            self._start()
            first = str(error).strip().splitlines()[0]
            raise EngineCrashError(f"GoogleSQL crashed: {first}") from error
        response: AnyMessage = response_type.FromString(answer)
        return response

    def _start(self) -> None:
        """Start a new instance, with access only to the zones of the package tzdata."""
        wasi = WasiConfig()
        wasi.preopen_dir(str(files("tzdata") / "zoneinfo"), "/usr/share/zoneinfo")
        self._store = Store(self._wasmtime)
        self._store.set_wasi(wasi)
        linker = Linker(self._wasmtime)
        linker.define_wasi()
        # Any: exports have no types.
        self._exports = cast(Any, linker.instantiate(self._store, self._module).exports(self._store))
        self._exports["_initialize"](self._store)

    def _call(self, method: str, data: bytes) -> bytes:
        given = self._run("wasm_malloc", max(len(data), 1))
        size = self._run("wasm_malloc", 4)
        ctypes.memmove(self._address(given), data, len(data))
        found = self._run(_SERVICE + method, given, len(data), size)
        if found:
            answer = ctypes.string_at(self._address(found), self._word(size))
            self._run("wasm_free", found)
        self._run("wasm_free", given)
        self._run("wasm_free", size)
        if not found:
            length = self._run("wasm_get_last_error_size")
            text = ctypes.string_at(self._address(self._run("wasm_get_last_error")), length)
            raise SqlError(text.decode(errors="replace") or "GoogleSQL gave no reason")
        return answer

    def _run(self, name: str, *arguments: int) -> int:
        return self._exports[name](self._store, *arguments) or 0

    def _address(self, offset: int) -> int:
        # Any call may have moved the memory.
        return ctypes.addressof(self._exports["memory"].data_ptr().contents) + offset

    def _word(self, offset: int) -> int:
        return int.from_bytes(ctypes.string_at(self._address(offset), 4), "little")


def compiled_module(wasmtime: Wasmtime, source: Path, cache_dir: Path) -> Module:
    """The compiled module. If several processes start together, one compiles it and the others wait."""
    facts = f"{version('wasmtime')} {version('zetasql')} {source.stat().st_size}"
    compiled = cache_dir / f"zetasql-{hashlib.sha256(facts.encode()).hexdigest()[:16]}.cwasm"
    cache_dir.mkdir(parents=True, exist_ok=True)
    with (cache_dir / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not compiled.exists():
            module = Module.from_file(wasmtime, str(source))
            part = compiled.with_suffix(".part")
            part.write_bytes(module.serialize())
            part.replace(compiled)
            return module
    return Module.deserialize_file(wasmtime, str(compiled))
