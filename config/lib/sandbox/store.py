"""SQLite stores of the sandboxes: one file each, shared by all processes that serve or deliver."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

BUSY_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Store:
    """One database file in SANDBOX_DIR; a file of another schema version is emptied when opened."""

    file_name: str
    schema: str
    version: int

    def path(self) -> Path:
        return Path(settings.SANDBOX_DIR) / self.file_name

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open a connection for reads; its rows are addressed by column name."""
        connection = self._open()
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a write transaction: committed at the end, rolled back when the block raises."""
        connection = self._open()
        try:
            # IMMEDIATE: a deferred transaction that turns into a writer ignores the busy timeout.
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        file = self.path()
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)
        connection.row_factory = sqlite3.Row
        if _version(connection) != self.version:
            self._create(connection, file)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _create(self, connection: sqlite3.Connection, file: Path) -> None:
        # Switching to WAL ignores the busy timeout, so processes that start at once take turns.
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _version(connection) == self.version:
                return
            connection.execute("PRAGMA journal_mode = WAL")
            for (table,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall():
                connection.execute(f'DROP TABLE "{table}"')
            connection.executescript(self.schema)
            connection.execute(f"PRAGMA user_version = {self.version}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
