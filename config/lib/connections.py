"""The database connection of a thread."""

from django.db import close_old_connections, connection


def release_connection() -> None:
    """Give this thread's connection back to the pool before a long wait; the next query takes one.

    Those who wait for the network or for a turn would otherwise use up the pool. Does nothing in a
    transaction.
    """
    if not connection.in_atomic_block:
        connection.close()


def release_between_turns() -> None:
    """Give the connection of a worker back between two turns; SQLite's stays open.

    SQLite has no pool, and opening its file again takes 2 ms. One that failed is closed.
    """
    if connection.vendor != "sqlite":
        close_old_connections()
    elif connection.errors_occurred:
        connection.close()
