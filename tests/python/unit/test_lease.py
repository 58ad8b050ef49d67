"""The lease, when a statement on it is interrupted or loses to another one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from trueup.errors import LeaseHeldError, WarehouseError
from trueup.gateways.lease import Lease
from trueup.gateways.refusals import CONCURRENT

AT = datetime(2026, 2, 3, 13, tzinfo=UTC)


class Table:
    """The row of the lease. ``error`` comes instead of the answer of the first statement, which has an effect if
    ``is_done``.
    """

    def __init__(self, holder: str, error: BaseException, is_done: bool) -> None:
        self.row = {"run_id": holder, "holder": f"{holder}@x", "since": AT, "expires_at": AT}
        self._error: BaseException | None = error
        self._is_done = is_done

    def query(self, sql: str, parameters: Mapping[str, str]) -> list[dict[str, Any]]:
        error, self._error = self._error, None
        if error is None or self._is_done:
            if "set run_id = @run_id" in sql:
                self.row.update(run_id=parameters["run_id"])
            elif "concat('ended '" in sql and self.row["run_id"] == parameters["run_id"]:
                self.row.update(run_id=f"ended {parameters['run_id']}")
        if error is not None:
            raise error
        return []

    def rows(self) -> list[dict[str, Any]]:
        return [self.row]


@pytest.mark.parametrize("is_done", [True, False])
def test_an_interrupted_run_leaves_no_lease_behind(is_done: bool) -> None:
    table = Table("ended earlier", KeyboardInterrupt(), is_done)
    with pytest.raises(KeyboardInterrupt), Lease(table.query, table.rows, "lease").held("mine", "ann"):
        raise AssertionError("it was interrupted")
    assert table.row["run_id"] == ("ended mine" if is_done else "ended earlier")


@pytest.mark.parametrize("words", CONCURRENT)
def test_who_loses_to_another_statement_is_told_who_has_the_lease(words: str) -> None:
    """As somebody who waits does, when the holder renews it at the same time."""
    table = Table("other", WarehouseError(f"BigQuery: {words} of lease".upper()), is_done=False)
    with (
        pytest.raises(LeaseHeldError, match="The run of other@x") as raised,
        Lease(table.query, table.rows, "lease").held("mine", "ann"),
    ):
        raise AssertionError("another run has it")
    assert raised.value.run == "The run of other@x since 2026-02-03 13:00 UTC"


def test_any_other_error_is_told() -> None:
    table = Table("other", WarehouseError("BigQuery does not answer"), is_done=False)
    with (
        pytest.raises(WarehouseError, match="does not answer") as raised,
        Lease(table.query, table.rows, "lease").held("mine", "ann"),
    ):
        raise AssertionError("there was no answer")
    assert not isinstance(raised.value, LeaseHeldError)
