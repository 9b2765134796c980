"""Tags that users put on videos."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0032_content_credentials"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=40)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="video_tags",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("videos", models.ManyToManyField(related_name="tags", to="videos.video")),
            ],
            options={
                "ordering": ["key"],
                "constraints": [models.UniqueConstraint(fields=("user", "key"), name="tag_once")],
            },
        ),
    ]
