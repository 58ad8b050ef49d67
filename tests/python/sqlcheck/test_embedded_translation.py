"""The cache of translations of the embedded warehouse: no statement is changed by it."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trueup.gateways.embedded_kinds import drops_only, kinds_once, rewritten_for_views, scripts_once
from trueup.gateways.embedded_parser import parse_each_text_once
from trueup.gateways.embedded_translation import Answers, engine_template_of, filled, template_of

DAYS = "select * from t where day between date '2026-02-03' and date '2026-02-04' and run_id = '8f1d7a841a00'"
VALUES = st.dates().map(str) | st.datetimes().map(lambda at: f"{at}+00:00") | st.uuids().map(str)
TEXTS = st.lists(
    st.sampled_from(["'", '"', "`", "\\", "\n", "--", "#", "/*", "*/", "r'", "'''", '"""', " ", "a", "1101"])
    | VALUES.map(lambda value: f"'{value}'")
    | st.text(max_size=5),
    max_size=20,
).map("".join)


@given(TEXTS)
@example("'2026-02-03'")
@example("r'\\' '2026-02-03' -- it's '2026-02-04'\n'2026-02-05'")
def test_a_template_filled_with_its_values_is_the_text(text: str) -> None:
    for template, values in (template_of(f"select {text}"), engine_template_of(f"select {text}")):
        assert filled(template, values) == f"select {text}"


def test_in_the_engines_sql_a_backslash_ends_no_text() -> None:
    engine = r"""select '\' as x, '''it''s''' as y, '2026-02-03' as day -- '2026-02-05'"""
    assert list(engine_template_of(engine)[1].values()) == ["'2026-02-03'"]


def test_dates_and_ids_are_values_and_all_else_matters() -> None:
    template, values = template_of(f"/* run 7 */ {DAYS} and zone = 'America/New_York' -- since '2026-01-01'")
    assert sorted(values.values()) == ["'2026-02-03'", "'2026-02-04'", "'8f1d7a841a00'"]
    assert not template.startswith("/*")
    assert template.endswith("and zone = 'America/New_York' -- since '2026-01-01'")
    other, _ = template_of(DAYS.replace("2026", "2031").replace("8f1d", "0000"))
    assert other == template_of(DAYS)[0]


@pytest.mark.parametrize(
    "text",
    [
        """select "f(description='secret') here" as x""",
        """select 'see options (description=""abc"")' as x, 'options(description=\\'a\\')' as y""",
        """select '2026-02-03' as a, "1101-11-11" as b""",
        """select '2026-02-03' as a, '\\'1101-11-11\\'' as b""",
        """select '2026-02-03' as a, ' 1101-11-11' as b -- 1101-11-11""",
    ],
)
def test_texts_that_look_like_what_is_replaced_stay_as_they_are(text: str) -> None:
    template, values = template_of(text)
    assert filled(template.replace("select", "SELECT"), values) == text.replace("select", "SELECT")


def other(text: str) -> str:
    """The statement with other days and ids."""
    return re.sub(r"'20(\d\d-)", r"'19\1", text).replace("'8f1d7a841a00'", "'0123456789ab'")


@pytest.mark.slow
def test_every_statement_of_the_project_is_translated_as_without_the_cache(manifest: dict[str, Any]) -> None:
    translator = import_module("bqemulator.sql.translator").SQLTranslator()
    qualify: Any = import_module("bqemulator.sql.table_rewriter").rewrite_table_refs
    nodes = list(manifest["nodes"].values())
    models = [one for one in nodes if one["resource_type"] == "model"]
    tests = [one for one in nodes if one["resource_type"] == "test"][::4]

    def direct(text: str) -> str | None:
        made = translator.translate(text)
        return made.value if hasattr(made, "value") else None

    def qualified(text: str) -> str:
        return str(qualify(text, "p"))

    def never(text: str) -> str:
        raise AssertionError(f"translated twice: {text}")

    known = Answers(None)
    counted = 0
    for node in (*models, *tests):
        text = (
            f'create or replace table `p`.`d`.`t` options (description="""Built.""") as (\n{node["compiled_code"]}\n)'
        )
        first = known.translation(template_of(text), "", direct)
        by_cache = known.translation(template_of(other(text)), "", never)
        assert by_cache == direct(other(text).replace('options (description="""Built.""")', "options ()")), node["name"]
        if first and by_cache:
            known.translation(engine_template_of(first), "tables", qualified)
            assert known.translation(engine_template_of(by_cache), "tables", never) == qualified(by_cache), node["name"]
        counted += by_cache is not None
    assert counted > 60


@pytest.mark.slow
def test_every_statement_of_the_project_is_of_the_kind_that_it_is_without_the_cache(manifest: dict[str, Any]) -> None:
    executor: Any = import_module("bqemulator.jobs.executor")
    parse = import_module("bqemulator.scripting.parser").parse_script
    known = Answers(None)
    parse_once, classify_once = scripts_once(parse, known), kinds_once(executor.classify_statement_type, known)
    texts = [node["compiled_code"] for node in manifest["nodes"].values() if node.get("compiled_code")]
    wrapped = [
        "{}",
        "/* label */ {}",
        "create or replace table `p`.`d`.`t` as (\n{}\n);",
        "begin transaction; {}; commit transaction",
    ]
    for text in texts:
        for form in wrapped:
            first, second = form.format(text), other(form.format(text))
            for one in (first, second):
                assert parse_once(one) == parse(one)
                assert classify_once(one) == executor.classify_statement_type(one)


def test_a_drop_is_seen_in_every_statement_that_is_one(manifest: dict[str, Any]) -> None:
    routine: Any = import_module("bqemulator.jobs.routine_ddl").detect_drop_routine
    relation: Any = import_module("bqemulator.catalog.ddl_sync")._detect_catalog_drop
    drops = [f"{verb} {kind} `p`.`d`.`x`" for verb in ("drop", " DROP", "/* a */ Drop") for kind in ("table", "view")]
    drops += [f"drop {kind} if exists p.d.x" for kind in ("function", "procedure", "table function", "snapshot table")]
    drops += ["drop schema `d` cascade", "drop materialized view p.d.x", "select 'drop'", "no statement ("]
    texts = [node["compiled_code"] for node in manifest["nodes"].values() if node.get("compiled_code")]
    for text in [*drops, *texts[::5]]:
        assert drops_only(routine)(text, "p") == routine(text, "p"), text
        assert drops_only(relation)(text) == relation(text), text
    assert sum(bool(relation(text) or routine(text, "p")) for text in drops) > 6


class Catalog:
    """The tables of a project; ``protected``: those with a policy, and the views with what they read."""

    def __init__(self, **protected: str) -> None:
        self.protected = protected

    def get_table(self, project: str, dataset: str, table: str) -> Any:
        view = self.protected.get(table)
        return SimpleNamespace(table_type="VIEW" if view else "TABLE", view_query=view)

    def list_row_access_policies(self, project: str, dataset: str, table: str) -> tuple[Any, ...]:
        return ("a policy",) if self.protected.get(table) == "" else ()


READS = [
    "select * from `p`.`d`.`a`",
    "select * from d.a, p.d.b where day = '2026-02-03'",
    "with a as (select * from d.b) select * from a where n in (select n from `d`.`c`)",
    "create or replace table d.b as select * from d.a",
    "create or replace view d.b as select * from d.a",
    "drop view d.a",
    "insert into d.a select * from d.b",
    "merge d.a using d.b on true when not matched then insert row",
    "select * from (select * from d.a) a join unnest([1]) b",
    "select 'd.a' as a -- d.b",
    "no statement (",
]


@pytest.mark.parametrize("protected", [{}, {"a": "select * from d.x"}, {"b": ""}, {"c": "select 1 as n"}, {"x": ""}])
def test_a_statement_is_rewritten_for_views_and_policies_as_without_the_cache(protected: dict[str, str]) -> None:
    rewrite: Any = import_module("bqemulator.sql.rewriter.row_access_filter").rewrite_for_row_access
    asked: list[str] = []

    def rewritten(text: str, **options: Any) -> str:
        asked.append(text)
        try:
            return str(rewrite(text, **options))
        except AttributeError:  # "a policy" has no fields: it was looked at
            return "has a policy"

    once = rewritten_for_views(rewritten, Answers(None))
    options = {"project_id": "p", "caller": SimpleNamespace(), "catalog": Catalog(**protected)}
    texts = [*READS, *map(other, READS)]
    by_cache = [once(text, **options) for text in texts]
    if not protected:
        assert asked == ["no statement ("] * 2
    assert by_cache == [rewritten(text, **options) for text in texts]


def test_what_is_read_from_a_tree_is_what_is_read_without_the_cache(
    manifest: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    executor: Any = import_module("bqemulator.jobs.executor")
    dropped: Any = import_module("bqemulator.jobs.routine_ddl").detect_drop_routine
    described: Any = import_module("bqemulator.catalog.ddl_sync")._extract_ddl_metadata

    def read(text: str) -> tuple[Any, ...]:
        tree = executor._parse_for_classification(text)
        return dropped(text, "p"), executor._classify_parsed_tree(tree), executor._is_dml(tree), described(text)

    texts = [node["compiled_code"] for node in manifest["nodes"].values() if node.get("compiled_code")][::3]
    created = 'create or replace table `p`.`d`.`t` options (description="""Run {}.""") as (\n{}\n)'
    statements = [*texts, *(created.format(number, text) for number, text in enumerate(texts))]
    statements += [f"{margin}{statements[-1]}" for margin in ("\n" * 5_000, "-- why\n /* what */ " * 500)]
    statements += ["drop function `p`.`d`.`f`", "delete from `d`.`t` where day = '2026-02-03'", "no statement"]
    statements += [other(one) for one in statements]
    direct = [read(one) for one in statements]
    dialect: Any = import_module("sqlglot.dialects.dialect").Dialect
    monkeypatch.setattr(dialect, "parse", dialect.parse)  # is put back at the end
    parse_each_text_once()
    assert [read(one) for one in statements] == direct


def remembering(file: Path | None) -> Callable[[str], list[str]]:
    """Returns the texts that are translated anew for a statement."""
    known = Answers(file)

    def translated(text: str) -> list[str]:
        calls: list[str] = []
        assert known.translation(template_of(text), "", lambda one: calls.append(one) or f"[{one}]") == f"[{text}]"  # type: ignore[func-returns-value]
        return calls

    return translated


def test_the_next_process_knows_the_translations(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "translations.db"
    assert remembering(file)(DAYS)
    assert remembering(file)(other(DAYS)) == []
    assert oct(file.stat().st_mode)[-3:] == "600"
    assert remembering(None)(DAYS)


def test_a_damaged_row_is_not_used_and_is_made_again(tmp_path: Path) -> None:
    file = tmp_path / "translations.db"
    remembering(file)(DAYS)
    for damaged in ("'[select 1]'", "null", "5", "x'00'"):
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(f"update answers set answer = {damaged}")
        assert remembering(file)(DAYS), damaged
        assert remembering(file)(DAYS) == []


def test_a_locked_file_is_waited_for_once(tmp_path: Path) -> None:
    file = tmp_path / "translations.db"
    remembering(file)(DAYS)
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("begin exclusive")
        began = time.monotonic()
        known = remembering(file)
        for number in range(20):
            known(f"{DAYS} and n = {number}")
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100, None], ids=["empty", "damaged", "a folder"])
def test_a_file_that_cannot_be_used_is_not_used(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "translations.db"
    file.mkdir() if content is None else file.write_bytes(content)
    assert remembering(file)(DAYS)
    translated = remembering(file)
    translated(DAYS)
    assert translated(DAYS) == []


def test_a_translation_that_changes_a_value_is_not_used() -> None:
    assert (
        Answers(None).translation(template_of(DAYS), "", lambda text: json.dumps(text.replace("1101", "0000"))) is None
    )
    assert Answers(None).translation(template_of(DAYS), "", lambda _: None) is None
