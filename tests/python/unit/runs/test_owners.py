"""Who answers for a finding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from helpers.support import PROJECT
from trueup.runs.owners import read_owners
from trueup.schemas import read_table_schemas

SCHEMAS = read_table_schemas(PROJECT / "models")


def test_the_owner_of_a_table_is_declared_at_its_source_and_everything_else_is_the_groups() -> None:
    name = "nba_raw.nbac_gamebook_player_stats"
    owned = replace(SCHEMAS[name], meta={**SCHEMAS[name].meta, "owner": "ingestion"})
    owner_of = read_owners(PROJECT / "models", {**SCHEMAS, name: owned})
    assert owner_of("nbac_gamebook_player_stats") == "ingestion"
    mapping = {**SCHEMAS[name].meta, "owner": {"name": "Ann", "email": "ann@example.com"}}
    assert read_owners(PROJECT / "models", {name: replace(owned, meta=mapping)})(owned.table) == "Ann <ann@example.com>"
    assert {owner_of("player_game_summary"), owner_of("2026-02-03")} == {
        "Data engineering <data-engineering@example.com>"
    }


@pytest.mark.parametrize(
    ("owner", "shown"), [("{email: a@example.com}", "a@example.com"), ("{name: Ann, email: }", "Ann")]
)
def test_a_group_may_have_only_a_name_or_an_email(owner: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "_groups.yml").write_text(f"groups:\n  - name: data_quality\n    owner: {owner}\n")
    assert read_owners(tmp_path, {})("anything") == shown
