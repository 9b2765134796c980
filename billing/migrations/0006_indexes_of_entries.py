"""Drop the indexes that another one covers: every spend wrote them while it held its account.

They are dropped by name, because SQLite would build the tables anew and lose their triggers. One
index of PostgreSQL served LIKE on keys, which nothing asks for.
"""

from django.db import migrations, models

DROPPED = {
    "billing_entry_account_id_01812d7d": "billing_entry (account_id)",
    "billing_entry_refund_of_id_20f8213c": "billing_entry (refund_of_id)",
    "billing_allocation_entry_id_deb1b65c": "billing_allocation (entry_id)",
}
LIKE = {"billing_entry_key_098fe18b_like": "billing_entry (key varchar_pattern_ops)"}


def indexes(schema_editor):
    return DROPPED | (LIKE if schema_editor.connection.vendor == "postgresql" else {})


def drop(apps, schema_editor):
    for name in indexes(schema_editor):
        schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


def create(apps, schema_editor):
    for name, columns in indexes(schema_editor).items():
        schema_editor.execute(f"CREATE INDEX {name} ON {columns}")


def unindexed(to, related_name, **options):
    return models.ForeignKey(
        to, models.PROTECT, related_name=related_name, db_index=False, **options
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_account_addresses")]
    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(drop, create)],
            [
                migrations.AlterField(
                    "allocation", "entry", unindexed("billing.entry", "allocations")
                ),
                migrations.AlterField("entry", "account", unindexed("billing.account", "entries")),
                migrations.AlterField(
                    "entry",
                    "refund_of",
                    unindexed("billing.entry", "credit_refunds", null=True),
                ),
            ],
        ),
        migrations.AddIndex(
            "entry",
            models.Index(
                fields=["refund_of"],
                condition=models.Q(refund_of__isnull=False),
                name="entry_refunds",
            ),
        ),
    ]
