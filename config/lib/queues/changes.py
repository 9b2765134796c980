"""Whether anybody has written to the database, which spares idle workers their queries."""

from django.db import connection


class DatabaseChanges:
    """Notices the commits of other connections, of this process and of others.

    SQLite answers within microseconds, as long as the connection stays open. Other databases
    cannot be asked, and then everything may have changed.
    """

    def __init__(self) -> None:
        self._seen: tuple[object, int] | None = None

    @property
    def are_known(self) -> bool:
        """Whether the database can be asked for changes."""
        return connection.vendor == "sqlite"

    def any(self) -> bool:
        """Whether another connection may have committed since the last call."""
        if not self.are_known:
            return True
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            # The versions of two connections cannot be compared.
            found = (connection.connection, int(cursor.fetchone()[0]))
        changed, self._seen = found != self._seen, found
        return changed
