"""Reads a scenario's text, YAML and JSON files. Errors name the file and the line."""

import codecs
import json
from pathlib import Path
from typing import Any

import yaml

from trueup.errors import ScenarioError

# PyYAML also raises other errors: ValueError for `!!int x`, KeyError for `!!bool x`, RecursionError for a thousand open
# brackets.
_YAML_ERRORS = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


class _Loader(yaml.SafeLoader):
    """Refuses duplicate keys: of two ``expect`` lists, YAML would silently drop the first. Refuses aliases: nine lines
    of them can mean a billion values.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key.value}", key.start_mark)
                seen.add(key.value)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


def _construct_text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


# Dates stay text: the reader of each key checks them, and the id of a document looks like a date.
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _construct_text)


def read_text(path: Path) -> str:
    """A file's text with its original line ends. Raises ScenarioError unless it is plain UTF-8."""
    if path.exists() and not path.is_file():  # reading a pipe would wait for a writer
        raise ScenarioError(f"{path} is not a regular file.", "Replace it by a file.")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ScenarioError(
            f"{path} cannot be read: {error.strerror}.", "Check that the file exists and is readable."
        ) from error
    if raw.startswith(codecs.BOM_UTF8):
        # The mark would become part of the first column's name.
        raise ScenarioError(
            f"{path} line 1 begins with a byte order mark.", "Save the file as UTF-8 without a byte order mark."
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"{path} line {line} is not UTF-8.", "Save the file as UTF-8.") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ScenarioError(f"{path} line {line} holds a NUL character.", "Save the file as plain text.")
    return text


def read_yaml(path: Path) -> Any:
    """The content of a YAML file. Raises ScenarioError, with the line if it is known."""
    text = read_text(path)
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}" if mark else ""
        raise ScenarioError(
            f"{path}{line} is not YAML: {error.problem or error.context}.", "See docs/how-to/scenarios.md for the form."
        ) from error
    except (yaml.YAMLError, *_YAML_ERRORS) as error:
        raise ScenarioError(
            f"{path} is not YAML: {brief(' '.join(str(error).split()))}.", "See docs/how-to/scenarios.md for the form."
        ) from error


def parse_json(text: str) -> Any:
    """Parse JSON that a store accepts: no NaN, duplicate keys or lone surrogates. Raises ValueError."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_pairs)
        # json.loads accepts 1e999 (infinity) and lone surrogates, but neither can be written again.
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def brief(text: str, length: int = 120) -> str:
    """A text cut to a length that fits a message."""
    return text if len(text) <= length else f"{text[:length]}…"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        duplicate = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"duplicate key {duplicate!r}")
    return made
