"""Links that show a collection to anyone."""

import uuid

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("videos", "0028_titles_and_takes")]

    operations = [
        migrations.CreateModel(
            name="CollectionLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("with_prompts", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "collection",
                    models.ForeignKey(
                        on_delete=models.CASCADE, related_name="links", to="videos.collection"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(("revoked_at", None)),
                        fields=("collection",),
                        name="collection_link_open_once",
                    )
                ],
            },
        ),
    ]
