"""The stand-in's own memory: one SQLite file, shared by every process that serves or delivers."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS thing (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    parent TEXT,
    traits TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS thing_of_kind ON thing (kind, sequence);
CREATE INDEX IF NOT EXISTS thing_of_parent ON thing (parent, kind, sequence);
CREATE TABLE IF NOT EXISTS timer (
    id INTEGER PRIMARY KEY,
    due_at REAL NOT NULL,
    step TEXT NOT NULL,
    thing TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS timer_due ON timer (due_at);
CREATE TABLE IF NOT EXISTS delivery (
    event TEXT PRIMARY KEY,
    copies INTEGER NOT NULL DEFAULT 1,
    attempts INTEGER NOT NULL DEFAULT 0,
    answer TEXT NOT NULL DEFAULT '',
    due_at REAL
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS answer (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    request TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS fault (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    route TEXT NOT NULL,
    kind TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS switch (name TEXT PRIMARY KEY);
"""


def path() -> Path:
    return Path(settings.SANDBOX_DIR) / "stripe.sqlite3"


@contextmanager
def reading() -> Iterator[sqlite3.Connection]:
    """Open the store for reads; rows answer by column name."""
    connection = _open()
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def writing() -> Iterator[sqlite3.Connection]:
    """Open one write transaction: committed at the end, rolled back when the block raises."""
    connection = _open()
    try:
        # IMMEDIATE: a deferred transaction that turns into a writer ignores the busy timeout.
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    finally:
        connection.close()


def _open() -> sqlite3.Connection:
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=20, isolation_level=None)
    connection.row_factory = sqlite3.Row
    if connection.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
        _create(connection, file)
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _create(connection: sqlite3.Connection, file: Path) -> None:
    # The switch to WAL does not wait for the busy timeout, so first comers queue on a lock file.
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
