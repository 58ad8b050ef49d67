"""Caches of what the statements of the embedded warehouse are.

It reads the whole text of each statement several times to see that it is one statement, of which kind, whether it drops
something, and whether it names a view or a table with a policy for rows. None of it depends on the dates and ids in the
statement. Without this module the results are the same, but a pulse takes twice as long.
"""

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

from trueup.gateways.embedded_translation import Answers, template_of, without_label


def know_each_kind_once(known: Answers) -> None:
    """Cache the answers by template."""
    executor: Any = import_module("bqemulator.jobs.executor")
    executor.parse_script = scripts_once(executor.parse_script, known)
    executor.classify_statement_type = kinds_once(executor.classify_statement_type, known)
    executor.detect_drop_routine = drops_only(executor.detect_drop_routine)
    synced: Any = import_module("bqemulator.catalog.ddl_sync")
    synced._detect_catalog_drop = drops_only(synced._detect_catalog_drop)
    query: Any = import_module("bqemulator.sql.inner_query")
    query.rewrite_for_row_access = rewritten_for_views(query.rewrite_for_row_access, known)


def scripts_once(parse: Callable[[str], Any], known: Answers) -> Callable[[str], Any]:
    """``parse`` for a text whose template was a single statement without a script around it; else ``parse`` itself."""
    ast: Any = import_module("bqemulator.scripting.ast")

    def is_single(template: str) -> str:
        try:
            return str(parse(template) == ast.Script((ast.SqlStmt(template.strip()),)))
        except Exception:  # its error is told with the statement's own text
            return ""

    def parsed(source: str) -> Any:
        if known.of(template_of(source)[0], "is a single statement", is_single) == "True":
            return ast.Script((ast.SqlStmt(without_label(source).strip()),))
        return parse(source)

    return parsed


def kinds_once(classify: Callable[[str], str], known: Answers) -> Callable[[str], str]:
    """``classify``, once for each template."""
    return lambda source: known.of(template_of(source)[0], "kind", classify) or ""


def drops_only(detect: Callable[..., Any]) -> Callable[..., Any]:
    """``detect``, which parses a text to see whether it is a DROP, for a text that has this word; else None."""
    return lambda text, *more: detect(text, *more) if "drop" in text.lower() else None


def rewritten_for_views(rewrite: Callable[..., str], known: Answers) -> Callable[..., str]:
    """``rewrite`` for a statement that names a view or a table with policies; others stay as they are."""

    def rewritten(bq_sql: str, *, project_id: str, caller: Any, catalog: Any) -> str:
        def is_plain(project: str, dataset: str, table: str) -> bool:
            name = (project or project_id, dataset, table)
            found = catalog.get_table(*name)
            return (found is None or found.table_type != "VIEW") and not catalog.list_row_access_policies(*name)

        tables = known.of(template_of(bq_sql)[0], "names of tables", _tables)
        if tables is not None and all(is_plain(*names) for names in json.loads(tables)):
            return bq_sql
        return rewrite(bq_sql, project_id=project_id, caller=caller, catalog=catalog)

    return rewritten


def _tables(text: str) -> str | None:
    """The project ("" if it is not told), dataset and name of each table that a statement names, as JSON."""
    sqlglot: Any = import_module("sqlglot")
    try:
        tree = sqlglot.parse_one(text, read="bigquery")
    except Exception:
        return None
    found = {(one.catalog, one.db, one.name) for one in tree.find_all(sqlglot.exp.Table) if one.db and one.name}
    return json.dumps(sorted(found))
