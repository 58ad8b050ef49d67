"""A platform that the runbook's `gcloud` and `bq` act on: a scheduler and phase 4 beside an embedded warehouse.

tests/python/stand_ins has both for the PATH of a shell, of the tests and of who practises (docs/runbook.md).
`python -m helpers.platform_tools gcloud …` is what a job of the scheduler does to the warehouse and the documents.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.cloud import bigquery
from google.oauth2.credentials import Credentials

from golden.golden import DAY
from trueup.completion.lease import LEASES
from trueup.gateways.sqlite_completions import SqliteCompletions

NIGHT = f"date '{DAY}'"


def main(arguments: list[str]) -> int:
    """Act as one of the tools."""
    tool, *rest = arguments
    return {"gcloud": gcloud, "bq": bq}[tool](rest)


def bq(arguments: list[str]) -> int:
    """`bq query --use_legacy_sql=false SQL`, on the embedded warehouse."""
    command, flag, sql = arguments
    assert (command, flag) == ("query", "--use_legacy_sql=false"), arguments
    _phase4()
    for row in _query(sql):
        print(" | ".join(f"{name} {str(value).lower()}" for name, value in row.items()))
    return 0


def gcloud(arguments: list[str]) -> int:
    """`gcloud scheduler jobs describe|resume|run JOB`; logs are empty."""
    if arguments[:2] == ["logging", "read"]:
        return 0
    assert arguments[:2] == ["scheduler", "jobs"], arguments
    verb, job = arguments[2:4]
    if verb == "describe":
        print("ENABLED" if _resumed().exists() else "PAUSED")
    elif verb == "resume":
        _resumed().touch()
    else:
        _JOBS[job]()
    return 0


def _resumed() -> Path:
    """Is there when the job was resumed. It ends with the shell, like the documents beside it."""
    return Path(os.environ["TRUEUP_COMPLETIONS"]).with_name("resumed")


def _query(sql: str) -> list[Mapping[str, object]]:
    client = bigquery.Client(
        project="trueup-local",
        credentials=Credentials(os.environ["TRUEUP_BIGQUERY_TOKEN"]),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": os.environ["TRUEUP_BIGQUERY_ENDPOINT"]},
    )
    return [dict(row) for row in client.query(sql).result()]


def _fetch_gamebooks() -> None:
    _query(
        "insert into nba_orchestration.scraper_run_history "
        "(scraper_name, started_at, completed_at, status, game_date, record_count) values "
        f"('nbac_gamebook_player_stats', current_timestamp(), current_timestamp(), 'success', {NIGHT}, 280)"
    )


def _load_schedule() -> None:
    _query(
        "update nba_raw.nbac_schedule set game_status = 3, processed_at = timestamp_add("
        f"timestamp '{DAY + timedelta(days=1)} 06:00:00', interval 5 hour) where game_date = {NIGHT}"
    )


def _run_processor() -> None:
    """It takes the lock over, and gives it back."""
    document = f"player_game_summary_{DAY}"
    with closing(SqliteCompletions(Path(os.environ["TRUEUP_COMPLETIONS"]), LEASES)) as locks:
        lock = dict(locks.read([document])[document].fields)
        lock.update(is_held=False, token=lock["token"] + 1, renewed_at=datetime.now(UTC))
        locks.replace(document, lock)


def _phase4() -> None:
    """Phase 4 writes its table once for the message that starts it."""
    with closing(sqlite3.connect(os.environ["TRUEUP_COMPLETIONS"])) as documents:
        if not documents.execute("select 1 from sqlite_master where name = 'messages'").fetchone():
            return
        sent = documents.execute("select count(*) from messages").fetchone()[0]
    assert sent <= 1, "phase 4 was started twice"
    if sent and not _query(
        f"select 1 as one from nba_precompute.player_daily_cache where cache_date = {NIGHT} limit 1"
    ):
        _query(
            "insert into nba_precompute.player_daily_cache (cache_date, player_lookup, created_at, processed_at) "
            "select game_date, player_lookup, current_timestamp(), current_timestamp() "
            f"from nba_analytics.player_game_summary where game_date = {NIGHT}"
        )


_JOBS: Mapping[str, Callable[[], None]] = {
    "nbac-gamebook-player-stats": _fetch_gamebooks,
    "nbac-schedule": _load_schedule,
    "player-game-summary": _run_processor,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
