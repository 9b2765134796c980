"""The database connection of a thread."""

from django.db import connection


def release_connection() -> None:
    """Give this thread's connection back to the pool before a long wait; the next query takes one.

    Those who wait for the network or for a turn would otherwise use up the pool. Does nothing in a
    transaction.
    """
    if not connection.in_atomic_block:
        connection.close()
