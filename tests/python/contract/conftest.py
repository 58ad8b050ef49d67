"""The two platforms of the contract tests: the embedded default, and Google's emulators."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from helpers.emulators import Google
from helpers.platforms import Embedded, Platform


@pytest.fixture(params=["embedded", "google"])
def platform(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """An empty platform, on either implementation of the ports."""
    if request.param == "embedded":
        return Embedded(tmp_path / "completions.db")
    for name, value in request.getfixturevalue("google_emulators").items():
        monkeypatch.setenv(name, value)
    return Google(f"p-{uuid.uuid4().hex[:12]}")
