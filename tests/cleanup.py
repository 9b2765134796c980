"""Empty the database after a test that commits; Django's own way takes most of such a test.

Django empties every table, which PostgreSQL does by making new files for each table and index, and
looks through all permissions again.
"""

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase

# The same in every database that is migrated; no test changes them.
KEPT = {"django_content_type", "auth_permission"}
# On PostgreSQL these have triggers against deleting; conftest.py has dropped those on SQLite.
OWN_TRIGGERS = """
SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger
WHERE NOT tgisinternal AND tgfoid = 'billing_immutable'::regproc
"""


def replace_flush() -> None:
    """Have every test that commits end with `empty_tables` instead of the command `flush`."""
    TransactionTestCase._fixture_teardown = empty_tables  # type: ignore[attr-defined]


def empty_tables(_test: TransactionTestCase | None = None) -> None:
    """Delete all rows, except those that a migrated database has."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    # The constraints between tables are deferred to the end of the transaction.
    with transaction.atomic(), connection.cursor() as cursor:
        occupied = _occupied(cursor, sorted({*tables} - KEPT))
        protected = _protected(cursor).intersection(occupied)
        for table in protected:
            cursor.execute(f"ALTER TABLE {_quoted(table)} DISABLE TRIGGER USER")
        for table in occupied:
            cursor.execute(f"DELETE FROM {_quoted(table)}")
        if protected:
            # Check the constraints now: a table with a pending check cannot be altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in protected:
            cursor.execute(f"ALTER TABLE {_quoted(table)} ENABLE TRIGGER USER")


def _occupied(cursor: CursorWrapper, tables: list[str]) -> list[str]:
    looks = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {_quoted(name)})" for name in tables)
    cursor.execute(" UNION ALL ".join(looks))
    return [name for (name,) in cursor.fetchall()]


def _protected(cursor: CursorWrapper) -> set[str]:
    if connection.vendor != "postgresql":
        return set()
    cursor.execute(OWN_TRIGGERS)
    return {name for (name,) in cursor.fetchall()}


def _quoted(table: str) -> str:
    return str(connection.ops.quote_name(table))
