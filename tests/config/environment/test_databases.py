"""The pool of connections to PostgreSQL: connections are alive, and as many as the setting says."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from tests.config.environment.test_documented_names import read_settings

CONNECTIONS = 8
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pool of a test'
"""


def open_connections(count: int) -> list[BaseDatabaseWrapper]:
    """Open connections as a server's threads do, all of one pool."""
    configured = copy.deepcopy(connections["default"].settings_dict)
    configured["OPTIONS"]["application_name"] = "pool of a test"
    backend = load_backend(configured["ENGINE"])
    opened = [backend.DatabaseWrapper(configured, "pool of a test") for _ in range(count)]
    for wrapper in opened:
        wrapper.connect()
    return opened


@pytest.fixture
def pooled(db: None) -> Iterator[list[BaseDatabaseWrapper]]:
    """Wrappers whose connections are back in their pool."""
    opened = open_connections(CONNECTIONS)
    for wrapper in opened:
        wrapper.close()
    yield opened
    opened[0].close_pool()  # type: ignore[attr-defined]


@pytest.mark.scaled
def test_every_query_succeeds_at_once_when_the_server_has_cut_all_pooled_connections(
    pooled: list[BaseDatabaseWrapper],
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TERMINATE)
        assert cursor.fetchall() == [(True,)] * CONNECTIONS
    for wrapper in pooled:
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
        wrapper.close()


def test_pool_has_the_size_of_the_setting(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://db/sora", "DATABASE_POOL_SIZE": "7"}
    expected = {
        'DATABASES["default"]["OPTIONS"]["pool"]["max_size"]': 7,
        'DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"]': False,
    }
    assert read_settings(tmp_path, list(expected), **environment) == expected


def test_nothing_outlives_a_transaction_when_the_url_leads_to_pgbouncer(tmp_path: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://db/sora", "DATABASE_PGBOUNCER": "1"}
    expected = {
        'DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"]': True,
        'DATABASES["default"]["OPTIONS"].get("prepare_threshold")': None,
    }
    assert read_settings(tmp_path, list(expected), **environment) == expected
