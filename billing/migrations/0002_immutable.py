"""Entries and allocations are never changed or deleted, not even by hand-written SQL."""

from django.db import migrations

TABLES = ("billing_entry", "billing_allocation")


def protect(apps, schema_editor):
    postgres = schema_editor.connection.vendor == "postgresql"
    if postgres:
        schema_editor.execute(
            "CREATE FUNCTION billing_immutable() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
        )
    for table in TABLES:
        for word in ("UPDATE", "DELETE"):
            name = f"{table}_no_{word.lower()}"
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE {word} ON {table} FOR EACH ROW "
                + (
                    "EXECUTE FUNCTION billing_immutable()"
                    if postgres
                    else "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
                )
            )


def release(apps, schema_editor):
    postgres = schema_editor.connection.vendor == "postgresql"
    for table in TABLES:
        for word in ("UPDATE", "DELETE"):
            on = f" ON {table}" if postgres else ""
            schema_editor.execute(f"DROP TRIGGER {table}_no_{word.lower()}{on}")
    if postgres:
        schema_editor.execute("DROP FUNCTION billing_immutable()")


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunPython(protect, release)]
