"""Permissions stand in deploy/permissions.tsv; the tables of the docs say the same, and deploy/apply.sh grants them.

Whether a command needs exactly these is tested on the stand-in for BigQuery (integration/test_strict_service.py).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from helpers import strict_rules
from helpers.deployed import Command, Deployment
from helpers.support import PROJECT

LINES = (PROJECT / "deploy/permissions.tsv").read_text(encoding="utf-8").splitlines()
ROWS = [tuple(line.split("\t")) for line in LINES[1:]]


def table(path: str, head: str) -> list[tuple[str, ...]]:
    """The rows of the table with this head."""
    lines = (PROJECT / path).read_text(encoding="utf-8").splitlines()
    at = lines.index(head) + 2
    end = next(index for index in range(at, len(lines)) if not lines[index].startswith("|"))
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines[at:end]]


def test_the_file_has_a_value_in_each_cell() -> None:
    assert LINES[0].split("\t") == ["account", "needed by", "permissions", "on", "role"]
    assert [row for row in ROWS if len(row) != 5 or not all(row)] == []
    assert len(set(ROWS)) == len(ROWS)


def test_the_docs_list_the_permissions_of_the_file() -> None:
    told = table("README.md", "| command | permissions | on | predefined role |")
    told = [("trueup", *row) for row in told]
    told += table("deploy/README.md", "| account | needed by | permissions | on | role |")
    assert told == ROWS, "correct deploy/permissions.tsv, or the tables of README.md and deploy/README.md"


def test_the_permissions_on_bigquery_are_those_that_the_stand_in_knows() -> None:
    known = {permission for _, _, permission, _ in strict_rules._METHODS}
    known |= {f"bigquery.tables.{one}" for needs in strict_rules._STATEMENTS.values() for one in needs}
    named = {name for row in ROWS for name in re.findall(r"`(bigquery\.[\w.]+)`", row[2])}
    assert named - known == set()


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> list[Command]:
    done, found = Deployment.make(tmp_path_factory.mktemp("granted")).apply("--apply")
    assert done.returncode == 0, done.stderr
    return found


def test_what_is_deployed_is_granted_its_roles_and_no_other(commands: list[Command]) -> None:
    granted = set()
    for one in commands:
        if "add-iam-policy-binding" in one.words:
            granted.add((one.option("role"), one.option("member")))
        granted |= set(re.findall(r"grant `(\S+)` on schema `\S+` to '(\S+)'", str(one)))
    members = {
        "trueup": "serviceAccount:trueup@my-nba.iam.gserviceaccount.com",
        "trueup-scheduler": "serviceAccount:trueup-scheduler@my-nba.iam.gserviceaccount.com",
        "callers": "group:data@nba.test",
        "log sink": "serviceAccount:writer@logging.test",
    }
    wanted = {
        (role.strip("`"), members[account])
        for account, needed_by, _, _, role in ROWS
        if account != "trueup" or re.search("`(check|pulse)`", needed_by)
    }
    assert granted == wanted


def test_a_role_on_a_place_that_no_step_knows_is_refused(tmp_path: Path) -> None:
    deployment = Deployment.make(tmp_path)
    file = deployment.checkout / "deploy/permissions.tsv"
    with file.open("a", encoding="utf-8") as rows:
        rows.write("trueup\t`check`\t`a.b.c`\tthe moon\t`roles/a.b`\n")
    done, _ = deployment.apply()
    assert done.returncode == 1
    assert "no step grants roles on the moon" in done.stderr


def test_no_account_may_do_everything() -> None:
    assert not {row[4] for row in ROWS} & {"`roles/owner`", "`roles/editor`", "`roles/bigquery.admin`"}
