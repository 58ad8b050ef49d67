"""A golden night: a good night with changes, and its files as a scenario."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from golden.night import Night, Row, et, good_night

DAY = date(2026, 2, 3)
KEY = DAY.isoformat()
TWO_GAMES = (("BOS", "LAL"), ("DEN", "DET"))


@dataclass
class Golden:
    """A scenario: a night, its ``as_of``, and the expected findings. ``locks``: documents by processor; ``told``: when
    pulses first tell a rule.
    """

    title: str
    night: Night
    expect: list[dict[str, Any]] = field(default_factory=list)
    as_of: str = ""
    optional: list[str] = field(default_factory=list)
    seeds: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    expectations: bool = False
    others: list[Night] = field(default_factory=list)
    locks: dict[str, dict[str, Any]] = field(default_factory=dict)
    status: str = ""
    told: dict[str, str] = field(default_factory=dict)

    @property
    def nights(self) -> list[Night]:
        """All nights of the scenario, by date."""
        return sorted([self.night, *self.others], key=lambda one: one.day)

    def wants(
        self, rule: str, severity: str, subject: str, observed: float | None = None, day: date | None = None
    ) -> Golden:
        """Expect one more finding, by default on the date of the night."""
        finding: dict[str, Any] = {
            "rule": rule,
            "severity": severity,
            "game_date": (day or self.night.day).isoformat(),
            "subject": subject,
        }
        if observed is not None:
            finding["observed"] = observed
        self.expect.append(finding)
        return self

    def waive(self, rule: str, subject: str, reason: str, until: str) -> None:
        """Add a waiver of a finding on the date of the night."""
        waivers = self.seeds.setdefault("known_exceptions", "rule,subject,game_date,reason,until\n")
        self.seeds["known_exceptions"] = f"{waivers}{rule},{subject},{self.night.day},{reason},{until}\n"


def small(title: str, **settings: Any) -> Golden:
    """A good night of two games, for changes."""
    return Golden(title, good_night(DAY, TWO_GAMES), **settings)


def files(golden: Golden) -> dict[str, str]:
    """The scenario's files by path below its folder."""
    night = golden.night
    made = {"scenario.yml": head(golden)}
    for table in night.tables:
        if rows := [row for one in golden.nights for row in one.tables.get(table, [])]:
            made[f"tables/{table}.csv"] = csv_text(rows)
    for one in golden.nights:
        if one.document is not None:
            path = f"documents/phase3_completion/{one.day.isoformat()}.json"
            made[path] = json.dumps(one.document, indent=2) + "\n"
    for processor, lock in golden.locks.items():
        made[f"documents/processing_leases/{processor}_{night.day}.json"] = json.dumps(lock, indent=2) + "\n"
    for seed, text in golden.seeds.items():
        made[f"seeds/{seed}.csv"] = text
    return made


def head(golden: Golden) -> str:
    """The text of scenario.yml."""
    night = golden.night
    as_of = golden.as_of or et(golden.nights[-1].morning, "10:30")
    lines = [
        f"title: {json.dumps(golden.title)}",
        f"as_of: '{as_of}'",
        f"first_date: {golden.nights[0].day}",
        f"last_date: {golden.nights[-1].day}",
    ]
    if golden.optional:
        lines.append(f"optional: [{', '.join(golden.optional)}]")
    if golden.variables:
        lines.append(f"vars: {json.dumps(golden.variables)}")
    if golden.expectations:
        lines.append("expectations: true")
    if golden.status:
        lines.append(f"status: {golden.status}")
    if golden.told:
        lines += ["expect_told:", *(f"  {rule}: '{at}'" for rule, at in golden.told.items())]
    if not golden.expect:
        return "\n".join([*lines, "expect: []"]) + "\n"
    lines.append("expect:")
    for finding in golden.expect:
        lines.append("  - {" + ", ".join(f"{key}: {value}" for key, value in finding.items()) + "}")
    text = "\n".join(lines) + "\n"
    # YAML would read a document's id as a date; as a subject it must be a text.
    return text.replace(f"subject: {night.day}", f"subject: '{night.day}'")


def csv_text(rows: list[Row]) -> str:
    """Rows with the columns of the first one, unsorted: the order of the writes matters."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n", extrasaction="raise")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write(golden: Golden, folder: Path) -> None:
    """Replace the files in the folder with those of a golden night."""
    made = files(golden)
    for old in folder.rglob("*"):
        if old.is_file() and old.relative_to(folder).as_posix() not in made:
            old.unlink()
    for path, text in made.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
