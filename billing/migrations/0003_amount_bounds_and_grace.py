"""Bounds of amounts, currencies of packages, and which lots are grace lots.

SQLite builds a table anew for a constraint, which drops its triggers, so they are created again.
"""

from importlib import import_module

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models
from django.db.models import Q

append_only = import_module("billing.migrations.0002_append_only_ledger")


def mark_grace_lots(apps, schema_editor):
    """Until now, credits that returned to a lot with a parent had no grace."""
    apps.get_model("billing", "Lot").objects.exclude(parent=None).update(is_grace=True)


def bounded(most):
    return models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(most)])


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_append_only_ledger")]
    operations = [
        migrations.RunPython(append_only.release, append_only.protect),
        migrations.RemoveConstraint("lot", "lot_amount_positive"),
        migrations.RemoveConstraint("packageoverride", "package_positive"),
        migrations.AddField("lot", "is_grace", models.BooleanField(default=False)),
        migrations.AlterField(
            "lot",
            "parent",
            models.ForeignKey("billing.lot", models.PROTECT, null=True, related_name="children"),
        ),
        migrations.AlterField("packageoverride", "credits", bounded(10_000_000)),
        migrations.AlterField("packageoverride", "price_minor", bounded(99_999_999)),
        migrations.AddConstraint(
            "entry",
            models.CheckConstraint(
                condition=Q(amount__gte=-1_000_000_000, amount__lte=1_000_000_000),
                name="entry_amount_bounds",
            ),
        ),
        migrations.AddConstraint(
            "lot",
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lte=1_000_000_000), name="lot_amount_bounds"
            ),
        ),
        migrations.AddConstraint(
            "packageoverride",
            models.CheckConstraint(
                condition=Q(
                    credits__gt=0,
                    credits__lte=10_000_000,
                    price_minor__gt=0,
                    price_minor__lte=99_999_999,
                ),
                name="package_bounds",
            ),
        ),
        migrations.AddConstraint(
            "packageoverride",
            models.CheckConstraint(
                condition=Q(currency__in=["CNY", "EUR", "HKD", "JPY", "KRW", "USD"]),
                name="package_currency_known",
            ),
        ),
        migrations.AddConstraint(
            "payment",
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0, credits__gt=0), name="payment_amounts_positive"
            ),
        ),
        migrations.RunPython(append_only.protect, append_only.release),
        migrations.RunPython(mark_grace_lots, migrations.RunPython.noop),
    ]
