import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0003_webhooks_out"),
    ]

    operations = [
        migrations.CreateModel(
            name="Upstream",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("opened_at", models.DateTimeField(null=True)),
                ("retry_at", models.DateTimeField(null=True)),
                ("pauses", models.PositiveIntegerField(default=0)),
                ("probe", models.UUIDField(null=True)),
                ("error_code", models.CharField(blank=True, max_length=64)),
                ("error_detail", models.TextField(blank=True)),
                ("error_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="UpstreamEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("upstream", models.CharField(max_length=32)),
                ("event", models.CharField(max_length=200)),
                ("job_id", models.CharField(max_length=512)),
                ("at", models.DateTimeField(db_index=True)),
                (
                    "video",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bells",
                        to="videos.video",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["upstream", "job_id"], name="bell_of_job")],
                "constraints": [
                    models.UniqueConstraint(fields=("upstream", "event"), name="bell_once")
                ],
            },
        ),
    ]
