"""BigQuery's dialect, from the data files in ``bigquery/``, as GoogleSQL's options."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from zetasql.wasi._pb2.zetasql.proto import options_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as language_pb2
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_node_kind_pb2

from sqlcheck.types import parse_type

_DATA = Path(__file__).parent / "bigquery"
# They are separate statements in the tree, but not in their names.
_ACTIONS = ("RESOLVED_ADD_CONSTRAINT_ACTION", "RESOLVED_DROP_CONSTRAINT_ACTION")
_PSEUDO_COLUMNS = (("_PARTITIONTIME", "TIMESTAMP"), ("_PARTITIONDATE", "DATE"))


@cache
def read_data(name: str) -> Any:
    """One of the data files."""
    return yaml.safe_load((_DATA / f"{name}.yml").read_text(encoding="utf-8"))


def _all(file: str, key: str) -> Iterator[str]:
    for group in read_data(file):
        yield from group.get(key, [])


@cache
def documented(key: str) -> frozenset[str]:
    """What BigQuery documents: ``functions``; ``prefixes`` of whole families of functions; ``analytic_only``: GoogleSQL
    aggregates with an OVER clause only.
    """
    return frozenset(_all("functions", key))


def language_options() -> options_pb2.LanguageOptionsProto:
    """The features of BigQuery; all others are off."""
    options = options_pb2.LanguageOptionsProto(
        name_resolution_mode=language_pb2.NAME_RESOLUTION_DEFAULT, product_mode=language_pb2.PRODUCT_EXTERNAL
    )
    statements = read_data("statements")
    for feature in _all("features", "features"):
        options.enabled_language_features.append(language_pb2.LanguageFeature.Value(f"FEATURE_{feature}"))
    refused = {f"RESOLVED_{name}_STMT" for name in statements["refused"]}
    for name, value in resolved_node_kind_pb2.ResolvedNodeKind.items():
        if (name.endswith("_STMT") and name not in refused) or name in _ACTIONS:
            options.supported_statement_kinds.append(value)
    options.reserved_keywords.extend(statements["reserved"])
    options.supported_generic_entity_types.extend(statements["entities"])
    return options


def analyzer_options(language: options_pb2.LanguageOptionsProto) -> options_pb2.AnalyzerOptionsProto:
    """Options of the analysis: scans without unused columns."""
    options = options_pb2.AnalyzerOptionsProto(
        default_timezone="UTC", error_message_mode=language_pb2.ERROR_MESSAGE_ONE_LINE, prune_unused_columns=True
    )
    options.language_options.CopyFrom(language)
    for name, kind in _PSEUDO_COLUMNS:
        options.ddl_pseudo_columns.add(name=name).type.CopyFrom(parse_type(kind))
    for name, kind in read_data("system_variables").items():
        options.system_variables.add(name_path=name.split(".")).type.CopyFrom(parse_type(kind))
    allowed = options.allowed_hints_and_options
    allowed.disallow_unknown_options = True
    allowed.disallow_duplicate_option_names = True
    for name, kind in read_data("options").items():
        allowed.option.add(name=name).type.CopyFrom(parse_type(kind))
    return options
