"""The sandbox's own memory: one SQLite file, shared by every process that serves or delivers."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    prompt TEXT NOT NULL,
    model TEXT NOT NULL,
    size TEXT NOT NULL,
    seconds TEXT NOT NULL,
    created_at REAL NOT NULL,
    pace REAL NOT NULL,
    completed_at INTEGER,
    broken INTEGER NOT NULL DEFAULT 0,
    remixed_from TEXT,
    clip TEXT NOT NULL,
    polls INTEGER NOT NULL DEFAULT 0,
    downloads INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS job_of_key ON job (owner, sequence);
CREATE TABLE IF NOT EXISTS sighting (
    owner TEXT NOT NULL,
    prompt TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (owner, prompt)
);
CREATE TABLE IF NOT EXISTS attempt (owner TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS attempt_of_key ON attempt (owner, at);
CREATE TABLE IF NOT EXISTS kie_task (
    job_id TEXT PRIMARY KEY,
    callback_url TEXT NOT NULL,
    param TEXT NOT NULL,
    base TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS delivery (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    type TEXT NOT NULL,
    fault TEXT NOT NULL,
    body TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
"""


def path() -> Path:
    return Path(settings.SANDBOX_DIR) / "sandbox.sqlite3"


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
