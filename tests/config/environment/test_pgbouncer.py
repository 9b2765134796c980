"""PgBouncer with transaction pooling: nothing that we do lives longer than a transaction."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from config.environment.databases import read_database_url

# A lock, a channel, a cursor, a prepared statement, a temporary table or a setting of a session.
OF_A_SESSION = re.compile(
    r"pg_(?:try_)?advisory_(?:lock|unlock)|\bLISTEN \w|\bNOTIFY \w|pg_notify|DECLARE \w+ .*CURSOR"
    r"|\bWITH HOLD\b|\bPREPARE \w+ AS|CREATE TEMP|\bSET SESSION\b|set_config\([^)]*false\)"
    r"|[\"']SET (?!LOCAL)\w+ (?:=|TO)",
)
APPS = ("accounts", "billing", "config", "showcase", "videos")


def statements_of_a_session(text: str) -> list[str]:
    return [found.group() for found in OF_A_SESSION.finditer(text)]


def modules() -> Iterator[Path]:
    for app in APPS:
        yield from Path(settings.BASE_DIR, app).rglob("*.py")


def test_no_module_uses_what_lives_as_long_as_a_session() -> None:
    found = {str(file): statements_of_a_session(file.read_text()) for file in modules()}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "text",
    ["SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_lock(1)", "LISTEN due_rows",
     "SELECT pg_notify('a', 'b')", "DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT 1",
     "PREPARE p AS SELECT 1", "CREATE TEMPORARY TABLE t (n int)", "'SET timezone TO utc'"],
)  # fmt: skip
def test_what_lives_as_long_as_a_session_is_recognised(text: str) -> None:
    assert statements_of_a_session(text) != []


@pytest.mark.parametrize(
    "text",
    ["SELECT pg_advisory_xact_lock(1)", "SET LOCAL lock_timeout = 1",
     "UPDATE videos_video SET status = %s"],
)  # fmt: skip
def test_what_ends_with_its_transaction_is_allowed(text: str) -> None:
    assert statements_of_a_session(text) == []


@pytest.mark.parametrize("pgbouncer", [True, False])
def test_cursors_are_client_side_by_setting_and_statements_never_prepared(pgbouncer: bool) -> None:
    found = read_database_url("postgresql://db/sora", pool_size=7, pgbouncer=pgbouncer)
    assert found["DISABLE_SERVER_SIDE_CURSORS"] is pgbouncer
    # Django then passes None, with which psycopg prepares nothing.
    assert "prepare_threshold" not in found["OPTIONS"]
