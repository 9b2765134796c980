"""An entry's description may be blanked, for somebody who has left; nothing else may change."""

from django.db import migrations

KEPT = (
    "id", "account_id", "seq", "type", "amount", "balance_before", "balance_after", "key",
    "reference_type", "reference_id", "reverses_id", "expires_at", "created_at",
)  # fmt: skip
NAME = "billing_entry_no_update"


def loosen(apps, schema_editor):
    _replace(schema_editor, blanking=True)


def tighten(apps, schema_editor):
    _replace(schema_editor, blanking=False)


def _replace(schema_editor, *, blanking):
    postgres = schema_editor.connection.vendor == "postgresql"
    schema_editor.execute(f"DROP TRIGGER {NAME}" + (" ON billing_entry" if postgres else ""))
    word = "IS NOT DISTINCT FROM" if postgres else "IS"
    same = " AND ".join(f"NEW.{name} {word} OLD.{name}" for name in KEPT)
    when = f" WHEN (NOT (NEW.description = '' AND {same}))" if blanking else ""
    act = (
        "EXECUTE FUNCTION billing_immutable()"
        if postgres
        else "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    )
    schema_editor.execute(
        f"CREATE TRIGGER {NAME} BEFORE UPDATE ON billing_entry FOR EACH ROW{when} {act}"
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_reviews_keys_and_warnings")]
    operations = [migrations.RunPython(loosen, tighten)]
