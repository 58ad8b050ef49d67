"""The guarded write on the embedded warehouse: the old day or the new one, and never two sets of rows.

The embedded warehouse runs one transaction after the other. That BigQuery cancels one of two transactions on the same
table is simulated: its error is raised in the place of the first transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest, Forbidden, ServiceUnavailable
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from helpers.doubles import Killed
from trueup.errors import ConcurrentUpdateError, FencedError, UsageError, WarehouseError
from trueup.gateways.embedded import PROJECT, Endpoint
from trueup.gateways.replaced_day import DayTable
from trueup.guard import replace_day

TABLE = "guarded.summary"
DAY, OTHER = date(2026, 2, 3), date(2026, 2, 2)
AT = datetime(2026, 2, 4, 20, 0, 6, tzinfo=UTC)
# The calls up to the transaction: describe the table, twice, make the table beside it, load.
TRANSACTION = 5
COLUMNS = (
    "game_date date not null, player string, points int64, minutes numeric, share float64, is_active bool, "
    "processed_at timestamp, tags array<string>"
)


@pytest.fixture(scope="module")
def connected(endpoint: Endpoint) -> Iterator[bigquery.Client]:
    credentials = Credentials(token=endpoint.token)  # type: ignore[no-untyped-call, unused-ignore]
    options = ClientOptions(api_endpoint=endpoint.url)  # type: ignore[no-untyped-call, unused-ignore]
    made = bigquery.Client(project=PROJECT, credentials=credentials, client_options=options)
    made.create_dataset("guarded", exists_ok=True)
    yield made
    made.delete_dataset("guarded", delete_contents=True)
    made.close()  # type: ignore[no-untyped-call, unused-ignore]


@pytest.fixture
def client(connected: bigquery.Client) -> bigquery.Client:
    """A table with the other day and the old rows of the day, and no fence."""
    connected.query(f"create or replace table {TABLE} ({COLUMNS}) partition by game_date").result()
    connected.query(f"insert into {TABLE} (game_date, player) values ('{OTHER}', 'z'), ('{DAY}', 'old')").result()
    for name in (f"{TABLE.partition('.')[2]}_fence", *beside(connected)):
        connected.delete_table(f"guarded.{name}", not_found_ok=True)
    return connected


def row(player: str, **more: Any) -> dict[str, Any]:
    return {"game_date": DAY, "player": player, **more}


def replace(client: Any, *players: str, token: int = 1, **more: Any) -> int:
    return replace_day(client, TABLE, [row(one) for one in players], ("game_date", DAY), token=token, **more)


def players(client: bigquery.Client, day: date = DAY) -> list[str]:
    found = client.query(f"select player from {TABLE} where game_date = '{day}' order by player").result()
    return [one["player"] for one in found]


def beside(client: bigquery.Client) -> list[str]:
    return [one.table_id for one in client.list_tables("guarded") if "_day_" in one.table_id]


class Around:
    """A client with something to happen before or after each call that sends a request."""

    def __init__(self, client: bigquery.Client, act: Callable[[str, Callable[[], Any], Sequence[Any]], Any]) -> None:
        self._client, self._act = client, act

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if not callable(value):
            return value
        return lambda *arguments, **named: self._act(name, lambda: value(*arguments, **named), arguments)


def test_a_day_is_replaced_with_all_its_types_and_the_other_days_stay(client: bigquery.Client) -> None:
    full = row("a", points=3, minutes=Decimal("12.5"), share=0.1, is_active=True, processed_at=AT, tags=["x", "y"])
    assert replace_day(client, TABLE, [full, row("b")], ("game_date", "2026-02-03"), token=7) == 2
    found = [dict(one) for one in client.query(f"select * from {TABLE} where player = 'a'").result()]
    assert found == [full]
    assert players(client) == ["a", "b"]
    assert players(client, OTHER) == ["z"]
    assert beside(client) == []


def test_a_later_holder_fences_an_earlier_one_and_equal_tokens_may_repeat(client: bigquery.Client) -> None:
    replace(client, "a", token=5)
    replace(client, "b", token=6)
    with pytest.raises(FencedError, match="later holder") as raised:
        replace(client, "c", token=5)
    assert "take the lock again" in raised.value.hint
    assert players(client) == ["b"]
    assert beside(client) == []
    replace(client, "d", token=6)
    assert players(client) == ["d"]
    replace_day(client, TABLE, [{**row("e"), "game_date": OTHER}], ("game_date", OTHER), token=1)
    assert players(client, OTHER) == ["e"], "each day has its own fence"


@pytest.mark.parametrize("is_after", [False, True])
def test_a_writer_killed_anywhere_leaves_the_old_day_or_the_new_one(client: bigquery.Client, is_after: bool) -> None:
    seen = set()
    for call in count(1):
        calls = count(1)

        def kill(name: str, go: Callable[[], Any], _: Any, calls: Any = calls, call: int = call) -> Any:
            is_last = next(calls) == call
            if is_last and not is_after:
                raise Killed
            result = go()
            if is_last:
                raise Killed
            return result

        replace(client, "old", token=call)
        try:
            replace(Around(client, kill), "new", "newer", token=call)
        except Killed:
            assert players(client) in (["old"], ["new", "newer"])
            seen.add(len(players(client)))
            continue
        break
    assert call > 4
    assert seen == ({1, 2})


def losing(times: int, error: Exception, at: str = "begin transaction") -> Callable[..., Any]:
    """BigQuery's conflict detection, simulated: the first transactions end with this error."""
    left = count(1)

    def act(name: str, go: Callable[[], Any], arguments: Sequence[Any]) -> Any:
        if name == "query" and arguments[0].startswith(at) and next(left) <= times:
            raise error
        return go()

    return act


LOST = (
    "400 Query error: Transaction is aborted due to concurrent update against table p:d.summary. Transaction ID: 1",
    "400 Could not serialize access to table p:d.summary due to concurrent update",
)


@pytest.mark.parametrize("words", LOST)
def test_a_transaction_that_lost_to_another_one_is_repeated(client: bigquery.Client, words: str) -> None:
    replace(Around(client, losing(2, BadRequest(words))), "a")  # type: ignore[no-untyped-call, unused-ignore]
    assert players(client) == ["a"]


def test_a_transaction_that_loses_until_the_deadline_is_told(client: bigquery.Client) -> None:
    around = Around(client, losing(99, BadRequest(LOST[0])))  # type: ignore[no-untyped-call, unused-ignore]
    with pytest.raises(ConcurrentUpdateError):
        replace(around, "a", deadline=timedelta(seconds=0.3))
    assert players(client) == ["old"]
    assert beside(client) == []


def test_a_transaction_that_lost_to_a_later_holder_is_refused_when_it_is_repeated(client: bigquery.Client) -> None:
    replace(client, "first", token=1)

    def act(name: str, go: Callable[[], Any], arguments: Sequence[Any], lost: list[int] = []) -> Any:  # noqa: B006
        if name == "query" and not lost:
            lost.append(1)
            replace(client, "later", token=9)
            raise BadRequest(LOST[0])  # type: ignore[no-untyped-call, unused-ignore]
        return go()

    with pytest.raises(FencedError):
        replace(Around(client, act), "earlier", token=8)
    assert players(client) == ["later"]


def test_a_refusal_is_not_repeated_and_there_is_no_second_way(client: bigquery.Client) -> None:
    sent: list[str] = []

    def refuse(name: str, go: Callable[[], Any], arguments: Sequence[Any]) -> Any:
        if name == "query":
            sent.append(arguments[0])
            raise Forbidden("Access Denied: no bigquery.tables.updateData")  # type: ignore[no-untyped-call, unused-ignore]
        return go()

    with pytest.raises(WarehouseError, match="updateData"):
        replace(Around(client, refuse), "a")
    assert len(sent) == 1
    assert players(client) == ["old"]
    assert beside(client) == []


def test_an_error_in_the_middle_of_the_transaction_leaves_the_old_day_and_the_old_token(
    client: bigquery.Client,
) -> None:
    replace(client, "old", token=1)

    def lose_the_rows(name: str, go: Callable[[], Any], arguments: Sequence[Any]) -> Any:
        if name == "query":
            client.delete_table(f"guarded.{beside(client)[0]}")
        return go()

    with pytest.raises(WarehouseError, match="not found"):
        replace(Around(client, lose_the_rows), "new", token=9)
    assert players(client) == ["old"]
    replace(client, "newer", token=2)  # the fence did not take 9
    assert players(client) == ["newer"]


def test_an_unavailable_warehouse_is_asked_again(client: bigquery.Client) -> None:
    replace(Around(client, losing(1, ServiceUnavailable("busy"))), "a")  # type: ignore[no-untyped-call, unused-ignore]
    assert players(client) == ["a"]


def test_two_instances_at_once_leave_the_rows_of_one(client: bigquery.Client) -> None:
    """The race of the incident, 18 seconds apart, with guarded writers: here at the same moment."""
    ready = threading.Barrier(2)

    def write(token: int) -> str:
        ready.wait()
        try:
            replace(client, *(f"{token}-{number}" for number in range(20)), token=token)
        except FencedError:
            return "fenced"
        return "written"

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(write, (1, 2)))
    assert ends[1] == "written", "the later holder is never refused"
    found = players(client)
    assert found == sorted(f"2-{number}" for number in range(20))


INCIDENT = [f"player_{number:02}" for number in range(72)]


def test_the_race_of_the_incident_with_the_first_design_doubles_72_rows(client: bigquery.Client) -> None:
    """2026-02-03: both MERGEs failed, and both instances fell back to DELETE and INSERT, 18 seconds apart."""
    delete = f"delete from {TABLE} where game_date = '{DAY}'"
    insert = f"insert into {TABLE} (game_date, player) select date '{DAY}', player from unnest({INCIDENT}) as player"
    for statement in (delete, delete, insert, insert):
        client.query(statement).result()
    assert len(players(client)) == 2 * 72


def test_the_race_of_the_incident_with_guarded_writers_doubles_none(client: bigquery.Client) -> None:
    """The first instance is paused for 18 seconds at each place in turn, and the second one writes meanwhile."""
    for place in count(1):
        calls, fenced = count(1), False

        def pause(name: str, go: Callable[[], Any], _: Any, calls: Any = calls, place: int = place) -> Any:
            if next(calls) == place:
                replace(client, *INCIDENT, token=2 * place + 1)
            return go()

        try:
            replace(Around(client, pause), *INCIDENT, token=2 * place)
        except FencedError:
            fenced = True
        assert players(client) == INCIDENT
        if next(calls) <= place:
            break
        # The first one is refused exactly if the second one has written before its transaction.
        assert fenced is (place <= TRANSACTION)
    assert place > TRANSACTION


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ([], {}, "no rows"),
        ([{"game_date": OTHER, "player": "a"}], {}, "one day"),
        ([{"player": "a"}], {}, "None"),
        ([{"game_date": datetime(2026, 2, 3)}], {}, "datetime"),
        ([row("a", goals=1)], {}, "goals"),
        ([row("a", points=object())], {}, "object"),
        ([row("a", processed_at=datetime(2026, 2, 4))], {}, "time zone"),
        ([row("a"), row("a")], {"key": ("game_date", "player")}, "keep_newest"),
        ([row("a")], {"key": ("goals",)}, "goals"),
        ([row("a")], {"key": ("tags",)}, "tags"),
        ([row("a")], {"key": "player"}, "tuple"),
        ([row("a", points=1), row("b", points="1")], {"key": ("points",)}, "keep_newest"),
        ([row("a"), {**row("a"), "game_date": "2026-02-03"}], {"key": ("game_date", "player")}, "keep_newest"),
        ([row("a", minutes=Decimal("1.5")), row("b", minutes="1.50")], {"key": ("minutes",)}, "keep_newest"),
        ([row("a", processed_at=AT), row("b", processed_at=AT.isoformat())], {"key": ("processed_at",)}, "keep_newest"),
        ([row("a"), row("b", points="abc")], {}, "Row 2 has points 'abc'"),
        ([row("a", points=10**30)], {}, "no int64"),
        ([row("a", points=10**5000)], {}, "no int64"),
        ([row("a", points=2**63)], {}, "no int64"),
        ([row("a", points=float("nan"))], {}, "no int64"),
        ([row("a", minutes=Decimal("NaN"))], {}, "no numeric"),
        ([row("a", processed_at="yesterday")], {}, "no timestamp"),
        ([row("a", tags=["x", None])], {}, "array<string>"),
        ([row("\ud800")], {}, "player"),
        ([None], {}, "Row 1"),
        (None, {}, "rows"),
        ([row("a")], {"key": None}, "key"),
        ([row("a")], {"key": 5}, "key"),
        ([row("a")], {"key": ([],)}, "key"),
        ([row("a")], {"partition": None}, "partition"),
        ([row("a")], {"partition": ("game_date",)}, "partition"),
        ([row("a")], {"partition": ("game_date", 10**5000)}, "day"),
        ([row("a")], {"deadline": 5}, "deadline"),
        ([row("a")], {"token": 10**5000}, "token"),
        ([row("a")], {"token": 2**63}, "token"),
        ([row("a")], {"table": 10**5000}, "dataset.table"),
        ([row("a")], {"token": 0}, "token"),
        ([row("a")], {"token": True}, "token"),
        ([row("a")], {"partition": ("player", DAY)}, "player"),
        ([row("a")], {"partition": ("game_date", "2026-02-30")}, "2026-02-30"),
        ([row("a")], {"table": "summary"}, "dataset.table"),
        ([row("a")], {"table": "guarded.summary` --"}, "dataset.table"),
    ],
)
def test_wrong_rows_and_arguments_are_named_and_nothing_is_written(
    client: bigquery.Client, rows: list[Any], more: Mapping[str, Any], said: str
) -> None:
    given: dict[str, Any] = {"table": TABLE, "rows": rows, "partition": ("game_date", DAY), "token": 1, **more}
    with pytest.raises(UsageError) as raised:
        replace_day(client, given.pop("table"), given.pop("rows"), given.pop("partition"), **given)
    assert said in raised.value.text
    assert players(client) == ["old"]
    assert beside(client) == []


def test_a_day_is_emptied_if_that_is_asked_for_and_null_keys_are_different_rows(client: bigquery.Client) -> None:
    nobody = {"game_date": DAY, "player": None}
    assert replace_day(client, TABLE, [nobody, nobody], ("game_date", DAY), token=1, key=("player",)) == 2
    assert replace(client, allow_empty=True) == 0
    assert players(client) == []


def test_a_table_that_is_not_there_is_told(client: bigquery.Client) -> None:
    with pytest.raises(WarehouseError, match=r"guarded\.nothing"):
        replace_day(client, "guarded.nothing", [row("a")], ("game_date", DAY), token=1)


def test_what_is_no_client_is_named() -> None:
    with pytest.raises(UsageError, match="client"):
        replace(None, "a")


def test_texts_that_bigquery_converts_are_loaded(client: bigquery.Client) -> None:
    given = row("a", points="3", minutes="12.5", share="0.5", is_active="true", processed_at="2026-02-04 20:00:06 UTC")
    assert replace_day(client, TABLE, [given], ("game_date", DAY), token=1) == 1
    (found,) = client.query(f"select points, processed_at from {TABLE} where game_date = '{DAY}'").result()
    assert (found["points"], found["processed_at"]) == (3, AT)


@pytest.mark.parametrize("error", [BadRequest("400 a value"), Forbidden("no"), KeyboardInterrupt()])  # type: ignore[no-untyped-call, unused-ignore]
def test_a_load_that_fails_leaves_no_table_and_a_refusal_of_rows_says_what_to_do(
    client: bigquery.Client, error: BaseException
) -> None:
    def refuse(name: str, go: Callable[[], Any], _: Any) -> Any:
        if name == "load_table_from_file":
            raise error
        return go()

    expected = type(error) if isinstance(error, KeyboardInterrupt) else WarehouseError
    with pytest.raises(expected) as raised:
        replace(Around(client, refuse), "a")
    assert beside(client) == []
    if isinstance(error, BadRequest):
        assert "Correct the rows; repeating does not help." in str(getattr(raised.value, "hint", ""))


def test_a_table_whose_name_is_a_word_of_the_fence_turns_no_error_into_a_fenced_one(client: bigquery.Client) -> None:
    for name in ("fenced", "trueup-fenced"):
        target = DayTable(Around(client, losing(1, Forbidden(f"Table p:guarded.{name}: no"))), f"guarded.{name}")  # type: ignore[arg-type, no-untyped-call, unused-ignore]
        with pytest.raises(WarehouseError, match="no"):
            target.replace("guarded.x", "game_date", DAY, 1, ["game_date"])


def test_a_fence_that_is_deleted_once_is_made_again_and_then_it_is_told(client: bigquery.Client) -> None:
    def deleting(times: int) -> Callable[..., Any]:
        left = count(1)

        def act(name: str, go: Callable[[], Any], arguments: Sequence[Any]) -> Any:
            if name == "query" and arguments[0].startswith("begin") and next(left) <= times:
                client.delete_table(f"{TABLE}_fence", not_found_ok=True)
            return go()

        return act

    replace(Around(client, deleting(2)), "a")
    assert players(client) == ["a"]
    with pytest.raises(WarehouseError, match="gone again"):
        replace(Around(client, deleting(99)), "b")
    assert players(client) == ["a"]
