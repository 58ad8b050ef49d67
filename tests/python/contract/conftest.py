"""The two platforms of the contract tests: the embedded default, and Google's emulators."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulators import Google, firestore_emulator, pubsub_emulator
from platforms import Embedded, Platform


@pytest.fixture(scope="session")
def google_emulators() -> Iterator[dict[str, str]]:
    """Google's emulators, as the environment variables that Google's clients look for."""
    with firestore_emulator() as firestore, pubsub_emulator() as pubsub:
        yield {"FIRESTORE_EMULATOR_HOST": firestore, "PUBSUB_EMULATOR_HOST": pubsub}


@pytest.fixture(params=["embedded", "google"])
def platform(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """An empty platform, on either implementation of the ports."""
    if request.param == "embedded":
        return Embedded(tmp_path / "completions.db")
    for name, value in request.getfixturevalue("google_emulators").items():
        monkeypatch.setenv(name, value)
    return Google(f"p-{uuid.uuid4().hex[:12]}")
