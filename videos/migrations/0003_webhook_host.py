"""The host of each webhook, by which deliveries are shared out."""

from typing import Any
from urllib.parse import urlsplit

from django.db import migrations, models


def fill_hosts(apps: Any, schema_editor: Any) -> None:
    deliveries = apps.get_model("videos", "WebhookDelivery").objects.using(
        schema_editor.connection.alias
    )
    for delivery in deliveries.filter(next_try_at__isnull=False).iterator():
        host = (urlsplit(delivery.url).hostname or "")[:255]
        deliveries.filter(pk=delivery.pk).update(host=host)


class Migration(migrations.Migration):
    dependencies = [("videos", "0002_price_bounds")]
    operations = [
        migrations.AddField(
            "webhookdelivery", "host", models.CharField(default="", max_length=255)
        ),
        migrations.RemoveIndex("webhookdelivery", "delivery_due"),
        migrations.AddIndex(
            "webhookdelivery",
            models.Index(
                fields=["user", "next_try_at"],
                condition=models.Q(next_try_at__isnull=False),
                name="delivery_due_of_user",
            ),
        ),
        migrations.RunPython(fill_hosts, migrations.RunPython.noop, elidable=True),
    ]
