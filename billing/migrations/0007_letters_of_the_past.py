"""What was paid and refunded before there were letters is not written about any more."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def mark(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    mailed = apps.get_model("billing", "Mailed")
    paid = apps.get_model("billing", "Payment").objects.filter(is_paid=True)
    refunded = apps.get_model("billing", "Refund").objects.filter(status="succeeded")
    for kind, rows in {"receipt": paid, "refund": refunded}.items():
        ids = rows.values_list("pk", flat=True).iterator(2000)
        marks = (mailed(kind=kind, reference=pk) for pk in ids)
        mailed.objects.bulk_create(marks, batch_size=500, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_words_and_letters")]
    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
