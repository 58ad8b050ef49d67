"""Who answers for a finding, as the dbt project declares it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trueup.parsing import read_yaml
from trueup.schemas import TableSchema

_GROUPS = "_groups.yml"


def read_owners(models: Path, schemas: Mapping[str, TableSchema]) -> Callable[[str], str]:
    """The owner of a subject: ``owner`` in the ``meta`` of the source table with that name, else the group's owner.

    Scrapers and processors have the names of the tables that they write.
    """
    default = _contact(read_yaml(models / _GROUPS)["groups"][0]["owner"])
    owners = {one.table: _contact(one.meta["owner"]) for one in schemas.values() if one.meta.get("owner")}
    return lambda subject: owners.get(subject, default)


def _contact(owner: Any) -> str:
    """A text, or ``Name <email>`` of a group's owner, or the one that is there."""
    if not isinstance(owner, Mapping):
        return str(owner)
    name, email = str(owner.get("name") or ""), str(owner.get("email") or "")
    return f"{name} <{email}>" if name and email else name or email
