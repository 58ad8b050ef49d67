"""deploy/ as Google's tools see it: deploy/apply.sh on a fake gcloud, and gcloud's own parsers."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from helpers.support import PROJECT, missing

FAKE = PROJECT / "tests/python/helpers/fake_cloud.sh"
CHANGES = {"project": "my-nba", "EMAIL": "data@nba.test", "CALLERS": '"group:data@nba.test"'}
# Reads a list of [module, message, value] from stdin, and prints why gcloud would refuse each, or null.
_PARSE = """
import importlib, json, sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/third_party"]
from apitools.base.py import encoding
from googlecloudsdk.api_lib.util import messages
def refusal(module, name, value):
    kind = importlib.import_module("googlecloudsdk.generated_clients.apis." + module)
    for part in name.split("."):
        kind = getattr(kind, part)
    try:
        encoding.MessageToJson(messages.DictToMessageWithErrorCheck(value, kind))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
print(json.dumps([refusal(*one) for one in json.load(sys.stdin)]))
"""


@dataclass(frozen=True)
class Command:
    """A command that deploy/apply.sh ran, and the texts of the files that it named."""

    words: tuple[str, ...]
    files: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.words)

    @property
    def is_read(self) -> bool:
        return bool({"list", "describe", "show"} & {*self.words})

    def option(self, name: str) -> str:
        """The value of ``--name=value``."""
        (found,) = (one.partition("=")[2] for one in self.words if one.startswith(f"--{name}="))
        return found


@dataclass(frozen=True)
class Deployment:
    """A checkout with settings, and a Google Cloud that only remembers."""

    folder: Path

    @staticmethod
    def make(folder: Path) -> Deployment:
        """A repository with deploy/ alone, with nothing to commit."""
        shutil.copytree(PROJECT / "deploy", folder / "checkout/deploy")
        settings = folder / "checkout/deploy/settings.env"
        lines = settings.read_text(encoding="utf-8").replace("my-project", CHANGES["project"]).splitlines()
        names = [line.partition("=")[0] for line in lines]
        lines = [
            f"{name}={CHANGES[name]}" if name in CHANGES else line for name, line in zip(names, lines, strict=True)
        ]
        settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "bin").mkdir()
        for tool in ("gcloud", "bq"):
            shutil.copy(FAKE, folder / "bin" / tool)
        one = Deployment(folder)
        one.git("init", "--quiet")
        one.commit()
        return one

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.checkout, check=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("-c", "user.name=a", "-c", "user.email=a@b.test", "commit", "--quiet", "--message=deploy")

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    def apply(self, *arguments: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], list[Command]]:
        """What deploy/apply.sh says, and the commands that it runs."""
        log = self.folder / "commands"
        log.unlink(missing_ok=True)
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [self.checkout / "deploy/apply.sh", *arguments],
            env={**os.environ, "PATH": path, "FAKE_CLOUD": str(self.folder), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        records = log.read_text(encoding="utf-8").split("\x1e")[:-1] if log.is_file() else []
        parts = [[part.split("\x1f") for part in record.split("\x1d")] for record in records]
        return done, [Command(tuple(words), tuple(files[1:])) for words, files in parts]


@cache
def _gcloud() -> Path:
    found = shutil.which("gcloud")
    if found is None:
        missing("the Google Cloud CLI")
    return Path(str(found)).resolve()


def refusals(values: Sequence[tuple[str, str, Any]]) -> list[str | None]:
    """Why gcloud refuses each value: a module such as ``run.v1.run_v1_messages``, its message, and the value. None for
    a value that it takes.
    """
    done = subprocess.run(
        [sys.executable, "-c", _PARSE, str(_gcloud().parents[1] / "lib")],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: list[str | None] = json.loads(done.stdout)
    return found


def refused_commands(commands: Sequence[Sequence[str]], folder: Path) -> list[str]:
    """What gcloud's own parser says against commands: unknown commands and options, and bad values."""
    file = folder / "gcloud-commands.json"
    # gcloud's check takes what follows an option without a value for its value.
    lines = [
        shlex.join(sorted(one, key=lambda word: word.startswith("--") + (word.startswith("--") and "=" not in word)))
        for one in commands
    ]
    file.write_text(json.dumps([{"command_string": line} for line in lines]), encoding="utf-8")
    done = subprocess.run(
        [_gcloud(), "meta", "lint-gcloud-commands", f"--commands-file={file}"],
        env={**os.environ, "CLOUDSDK_CONFIG": str(folder / "gcloud"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = []
    for one in json.loads(done.stdout):
        if not one["success"]:
            found.append(f"{one['command_string']}: {one['error_message']}")
            continue
        known = set(_names(one["args_structure"]))
        unknown = [name for name in one["command_args"] if name.startswith("--") and name[2:] not in known]
        found += [f"{one['command_string']}: unknown option {name}" for name in unknown]
    return found


def _names(structure: Mapping[str, Any]) -> list[str]:
    names = []
    for one in structure.get("arguments", ()):
        names += _names(one["group"]) if "group" in one else [one["name"]]
    return names
