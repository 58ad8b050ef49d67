"""Caches the translation of the embedded warehouse, from BigQuery's SQL to that of its engine.

Translation is most of its work, and runs repeat the same statements with other dates and ids. So a statement is
translated with placeholders for these, which are of the same form, and the translation is filled with the values. The
translations are kept in a file for the next process. Without this module the results are the same, but a check takes
twice as long.
"""

import hashlib
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

_TRANSLATORS = ("bqemulator", "sqlglot")
# Each value of a statement gets the next year, from this one on. Nobody uses these.
_FIRST_YEAR, _MOST_VALUES = 1101, 200
_BUSY_SECONDS = 0.5
# Each statement asks for its template four times.
_KEPT_TEXTS = 32
# Of a statement, and of the file: beyond these nothing is kept for the next process.
_MOST_LETTERS, _MOST_BYTES = 100_000, 32 * 2**20
# What may matter to the translation is left as it is: names, comments, and all texts but dates, timestamps and ids.
_VALUES = r"""
    '(?P<date>\d{4}-\d\d-\d\d)(?P<time>(?:[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?)?)(?P<zone>(?:Z|[+]00:00)?)'
    | '(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{12})'
"""
_FLAGS = re.VERBOSE | re.DOTALL | re.IGNORECASE
_PARTS = re.compile(
    rf"""
    (?P<described>\boptions\s*\()\s*description=(?:\"{{3}}[^"\\]*\"{{3}}|'[^'\\]*')
    | `[^`]*` | \#[^\n]* | --[^\n]* | /\*.*?\*/
    | \"\"\".*?\"\"\" | '''.*?''' | "(?:[^"\\]|\\.)*" | [rb]+'(?:[^'\\]|\\.)*'
    | {_VALUES}
    | '(?:[^'\\]|\\.)*'
    """,
    _FLAGS,
)
# In the engine's dialect a backslash is a letter, and a quote is doubled.
_ENGINE_PARTS = re.compile(
    rf"""(?P<described>(?!))
    | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | (?:{_VALUES}) (?!') | '(?:[^']|'')*'
    """,
    _FLAGS,
)
# The translation drops the comment before a statement and the description of a table, which name the run.
_LABEL = re.compile(r"\A\s*/\*.*?\*/", re.DOTALL)
# A statement with placeholders, and the value of each of them, both with their quotes.
_Template = tuple[str, dict[str, str]]


def translate_each_template_once(known: "Answers") -> None:
    """Cache translations, and the qualified names of tables in them."""
    result = import_module("bqemulator.domain.result")
    translator: Any = import_module("bqemulator.sql.translator").SQLTranslator
    translate = translator.translate

    def translated(self: Any, bq_sql: str, *, schema: Any = None, caller: Any = None) -> Any:
        def translate_one(text: str) -> str | None:
            made = translate(self, text, schema=schema, caller=caller)
            return made.value if isinstance(made, result.Ok) else None

        text = known.translation(template_of(bq_sql), f"{schema!r} {caller!r}", translate_one)
        # An error is made from the statement itself, because its message may quote a value.
        return translate(self, bq_sql, schema=schema, caller=caller) if text is None else result.Ok(text)

    translator.translate = translated
    qualify = import_module("bqemulator.sql.table_rewriter").rewrite_table_refs

    def qualified(text: str, project: str) -> str:
        template = engine_template_of(text)
        name = f"tables of {project}"
        return known.translation(template, name, lambda one: qualify(one, project)) or qualify(text, project)

    for name in ("bqemulator.jobs.executor", "bqemulator.scripting.interpreter"):
        module: Any = import_module(name)
        module.rewrite_table_refs = qualified


class Answers:
    """Answers to questions about templates, in memory and in a file. ``file``: None for memory only."""

    def __init__(self, file: Path | None) -> None:
        self._known: dict[str, str | None] = {}
        self._file = file

    def translation(self, made: _Template, settings: str, translate: Callable[[str], str | None]) -> str | None:
        """The translation of a statement, given as its template. None if it has none, or if its translation changes a
        placeholder.
        """
        template, values = made
        translation = self.of(template, settings, translate)
        return None if translation is None else filled(translation, values)

    def of(self, template: str, question: str, answer: Callable[[str], str | None]) -> str | None:
        """The answer about a template, by ``answer`` if it is not known. None is not kept for the next process."""
        key = hashlib.sha256(f"{question}\0{template}".encode(errors="replace")).hexdigest()
        if key not in self._known:
            self._known[key] = self._kept(key, lambda: answer(template))
        return self._known[key]

    def _kept(self, key: str, make: Callable[[], str | None]) -> str | None:
        """The answer of the file, else a new one, which is kept there."""
        try:
            answer = self._stored(key)
        except (sqlite3.Error, OSError):
            answer, self._file = None, None  # whoever holds it would be waited for with each statement
        if answer is not None:
            return answer
        answer = make()
        try:
            self._store(key, answer)
        except (sqlite3.Error, OSError):
            self._file = None
        return answer

    def _stored(self, key: str) -> str | None:
        if self._file is None or not self._file.is_file() or not self._file.stat().st_size:
            return None
        with closing(sqlite3.connect(self._file, timeout=_BUSY_SECONDS)) as file:
            row = file.execute("select answer, checksum from answers where key = ?", (key,)).fetchone()
        # A damaged one would be wrong.
        return row[0] if row and row[1] == _checksum(key, row[0]) else None

    def _store(self, key: str, answer: str | None) -> None:
        if self._file is None or answer is None or len(answer) > _MOST_LETTERS:
            return
        # A statement may hold private data.
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._file, os.O_CREAT | os.O_RDWR | os.O_NONBLOCK, 0o600))
        if self._file.stat().st_size < _MOST_BYTES:
            with closing(sqlite3.connect(self._file, timeout=_BUSY_SECONDS)) as file, file:
                file.execute("pragma synchronous = off")
                file.execute("create table if not exists answers (key text primary key, answer text, checksum text)")
                row = (key, answer, _checksum(key, answer))
                file.execute("insert or replace into answers values (?, ?, ?)", row)


def _checksum(key: Any, answer: Any) -> str:
    return hashlib.sha256(f"{key!r} {answer!r}".encode(errors="replace")).hexdigest()


def cache_file() -> Path | None:
    """The file for these versions of the translators and of this module; None if the user has no home."""
    made_by = [*(version(name) for name in _TRANSLATORS), hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]]
    try:
        folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # a container may have no entry for its user
        return None
    return Path(folder) / "trueup" / f"translations-{'-'.join(made_by)}.db"


def without_label(text: str) -> str:
    """A statement without the comment before it."""
    return _LABEL.sub("", text)


@lru_cache(_KEPT_TEXTS)
def template_of(text: str) -> _Template:
    """The template of a statement in BigQuery's SQL, without its label."""
    return _template(without_label(text), _PARTS)


@lru_cache(_KEPT_TEXTS)
def engine_template_of(text: str) -> _Template:
    """The template of a statement in the engine's SQL."""
    return _template(text, _ENGINE_PARTS)


def _template(text: str, parts: re.Pattern[str]) -> _Template:
    placeholders: dict[str, str] = {}

    def template(match: re.Match[str]) -> str:
        value = match[0]
        if match["described"]:
            return match["described"]
        if match["date"] is None and match["id"] is None:
            return value
        if value not in placeholders:
            placeholders[value] = _placeholder(match, _FIRST_YEAR + len(placeholders))
        return placeholders[value]

    made = parts.sub(template, text)
    if len(placeholders) > _MOST_VALUES or any(one.strip("'") in text for one in placeholders.values()):
        return text, {}
    return made, {new: old for old, new in placeholders.items()}


def filled(translation: str, values: dict[str, str]) -> str | None:
    """A translation of a template with the values; None if it lacks a placeholder."""
    for new, old in values.items():
        if new not in translation:
            return None
        translation = translation.replace(new, old)
    return translation


def _placeholder(match: re.Match[str], year: int) -> str:
    """A value of the same form, with the same number of digits."""
    if match["id"]:
        return f"'{year}{re.sub('[0-9a-fA-F]', 'e', match['id'][4:])}'"
    return f"'{year}-11-11{re.sub('[0-9]', '1', match['time'])}{match['zone']}'"
