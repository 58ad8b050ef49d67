"""The two platforms of the contract tests: the embedded default, and Google's emulators."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.emulators import Google
from helpers.platforms import Embedded, Platform


@pytest.fixture(params=["embedded", "google"])
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Platform:
    """An empty platform, on either implementation of the ports."""
    if request.param == "embedded":
        return Embedded(tmp_path / "completions.db")
    made: Google = request.getfixturevalue("google")
    return made
