"""Indexes for lists of a status, of favourites and of a model, and for the figures of staff."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("videos", "0019_library_counts"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="video",
            name="video_by_status",
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                fields=["user", "status", "-created_at", "-id"], name="video_of_status"
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                condition=models.Q(("deleted_at", None)),
                fields=["user", "model", "size"],
                name="video_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("favourited_at__isnull", False)),
                fields=["user", "-created_at", "-id"],
                name="video_favourite",
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                condition=models.Q(("completed_at__isnull", False)),
                fields=["completed_at"],
                name="video_ended",
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                condition=models.Q(("completed_at__isnull", True)),
                fields=["status", "engine"],
                name="video_active",
            ),
        ),
    ]
