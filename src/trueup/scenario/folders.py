"""Reads a scenario's tables, documents and seeds, and checks each file before anything runs."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trueup.completion.encoding import decode_document
from trueup.errors import ScenarioError
from trueup.scenario.files import brief, parse_json, read_text
from trueup.scenario.tables import read_table
from trueup.schemas import TableSchema

_FOLDERS = ("tables", "documents", "seeds")
# dbt forbids a seed and a model with the same name, so the seed for the model service_levels is service_level_targets.
# A scenario may use either name.
SEED_ALIASES = {"service_levels": "service_level_targets"}
# The columns and types of the seeds, as in dbt_project.yml. A test compares the two.
SEED_COLUMNS = {
    "known_exceptions": "rule string, subject string, game_date date, reason string, until date",
    "processor_roster": "mode string, processor_name string, table_name string, is_critical bool",
    "rules": "rule string, family string, title string, severity string, subject_kind string, remedy string, "
    "is_in_pulse bool",
    "scraper_roster": "scraper_name string, due_time string, alert_time string, time_zone string, "
    "day_offset int64, requires_games bool",
    "service_level_targets": "rule string, metric string, unit string, direction string, "
    "target_value float64, alert_value float64, alert_when string",
    "teams": "team_abbr string, team_name string",
}


def seed_columns() -> dict[str, dict[str, str]]:
    """The type of each column of each seed."""
    return {name: dict(one.strip().split(" ") for one in columns.split(",")) for name, columns in SEED_COLUMNS.items()}


def check_folders(folder: Path) -> None:
    """Raise ScenarioError for an unknown folder: with a misspelt name, its files would be ignored."""
    for path in _entries(folder):
        if path.is_dir() and path.name not in _FOLDERS:
            raise ScenarioError(f"{path}: unknown folder.", f"Known folders are {', '.join(_FOLDERS)}.")


def _entries(folder: Path) -> list[Path]:
    """The sorted files and folders in a folder, without hidden ones. Empty if the folder is missing."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise ScenarioError(f"{folder} is not a folder.", "Replace it by a folder, or remove it.")
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def read_tables(
    folder: Path, schemas: Mapping[str, TableSchema], optional: frozenset[str]
) -> dict[str, tuple[dict[str, Any], ...]]:
    """Rows by ``dataset.table``. Raises ScenarioError for an unknown table or an invalid file."""
    tables = {}
    for path in _entries(folder / "tables"):
        name = path.stem
        if path.suffix != ".csv" or name not in schemas:
            known = ", ".join(sorted(one for one in schemas if not one.startswith("trueup.")))
            raise ScenarioError(f"{path}: unknown table.", f"Known tables are {known}, each as .csv.")
        if name in optional:
            raise ScenarioError(
                f"{path} has rows for {name}, but `optional` says that it is missing.", "Remove the file or the entry."
            )
        tables[name] = read_table(path, schemas[name])
    return tables


def read_documents(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Raw JSON by collection and id. Raises ScenarioError for an invalid document."""
    documents: dict[str, dict[str, dict[str, Any]]] = {}
    for collection in _entries(folder / "documents"):
        if not collection.is_dir():
            raise ScenarioError(f"{collection} is not in a collection.", "Move it to documents/<collection>/<id>.json.")
        for path in _entries(collection):
            documents.setdefault(collection.name, {})[path.stem] = _document(path)
            last = collection / f"{path.stem.partition('@')[0]}.json"
            if not last.exists():
                raise ScenarioError(f"{path} is a version of {last.name}, which is missing.", "Add the last version.")
    return documents


def _document(path: Path) -> dict[str, Any]:
    if path.suffix != ".json":
        raise ScenarioError(f"{path} is not a .json file.", "Name it <id>.json.")
    try:
        raw = parse_json(read_text(path))
    except ValueError as error:
        raise ScenarioError(f"{path} is not JSON: {brief(str(error))}.", "Correct the file.") from error
    if not isinstance(raw, dict):
        raise ScenarioError(f"{path} is not a document: it must be one JSON object.", "Put its fields in { }.")
    for key, value in raw.items():
        try:
            decode_document({key: value}, str(path))
        except RecursionError as error:
            raise ScenarioError(f"{path}: {key} is nested too deeply.", "Firestore allows twenty levels.") from error
    return raw


def read_seeds(folder: Path) -> Path | None:
    """The folder of the scenario's seeds, or None. Raises ScenarioError for an invalid seed."""
    seeds = folder / "seeds"
    paths: dict[str, Path] = {}
    for path in _entries(seeds):
        name = SEED_ALIASES.get(path.stem, path.stem)
        if path.suffix != ".csv" or name not in SEED_COLUMNS:
            known = ", ".join(sorted({*SEED_COLUMNS, *SEED_ALIASES}))
            raise ScenarioError(f"{path}: unknown seed.", f"Known seeds are {known}, each as .csv.")
        if name in paths:
            raise ScenarioError(f"{path} and {paths[name].name} are the same seed.", "Keep one of them.")
        paths[name] = path
        _check_seed(path, name)
    return seeds if seeds.is_dir() else None


def _check_seed(path: Path, name: str) -> None:
    """Raise ScenarioError unless the seed has all columns: a missing one would be NULL."""
    columns = seed_columns()[name]
    read_table(path, TableSchema("seeds", name, columns, "", False, False, {}))
    header = next(csv.reader(read_text(path).splitlines()))
    for column in columns:
        if column not in header:
            raise ScenarioError(f"{path} line 1 lacks the column {column}.", f"It needs {', '.join(columns)}.")
