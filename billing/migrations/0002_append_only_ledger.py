"""Triggers that refuse to change or delete entries and allocations, even from hand-written SQL.

They allow one change: the description of an entry may be blanked when an account is deleted.
"""

from django.db import migrations

ENTRY, ALLOCATION = "billing_entry", "billing_allocation"
# Every column of an entry but its description.
KEPT = (
    "id", "account_id", "sequence", "type", "amount", "balance_before", "balance_after", "key",
    "reference_type", "reference_id", "refund_of_id", "expires_at", "created_at",
)  # fmt: skip
TRIGGERS = [(table, event) for table in (ENTRY, ALLOCATION) for event in ("UPDATE", "DELETE")]


def protect(apps, schema_editor):
    postgres = schema_editor.connection.vendor == "postgresql"
    if postgres:
        schema_editor.execute(
            "CREATE FUNCTION billing_immutable() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
        )
    refuse = (
        "EXECUTE FUNCTION billing_immutable()"
        if postgres
        else "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    )
    same = "IS NOT DISTINCT FROM" if postgres else "IS"
    rest_is_kept = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in KEPT)
    only_blanked = f"NEW.description = '' AND {rest_is_kept}"
    for table, event in TRIGGERS:
        when = f" WHEN (NOT ({only_blanked}))" if (table, event) == (ENTRY, "UPDATE") else ""
        schema_editor.execute(
            f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
            f"FOR EACH ROW{when} {refuse}"
        )


def release(apps, schema_editor):
    postgres = schema_editor.connection.vendor == "postgresql"
    for table, event in TRIGGERS:
        on = f" ON {table}" if postgres else ""
        schema_editor.execute(f"DROP TRIGGER {table}_no_{event.lower()}{on}")
    if postgres:
        schema_editor.execute("DROP FUNCTION billing_immutable()")


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunPython(protect, release)]
