"""Indexes that hold whole lists, for pages far down a library; and one for the longest videos.

The index of ended videos also tells how they ended.

The index of the owner goes: others begin with the owner, and PostgreSQL would write it with each
poll. It is dropped by name, because SQLite would build the table anew and lose its triggers.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

OWNER = "videos_video_user_id_5a0149a4"


def index(name, *fields, **options):
    return models.Index(fields=fields, name=name, **options)


class Migration(migrations.Migration):
    dependencies = [("videos", "0022_daily_usage")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    f"DROP INDEX IF EXISTS {OWNER}",
                    f"CREATE INDEX {OWNER} ON videos_video (user_id)",
                )
            ],
            [
                migrations.AlterField(
                    "video",
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="videos",
                        to=settings.AUTH_USER_MODEL,
                    ),
                )
            ],
        ),
        migrations.RemoveIndex("video", "video_newest"),
        migrations.AddIndex(
            "video", index("video_newest", "user", "-created_at", "-id", "deleted_at")
        ),
        migrations.RemoveIndex("video", "video_of_status"),
        migrations.AddIndex(
            "video",
            index("video_of_status", "user", "status", "-created_at", "-id", "deleted_at"),
        ),
        migrations.AddIndex(
            "video",
            index(
                "video_longest",
                "user",
                "-seconds",
                "-created_at",
                "-id",
                condition=Q(deleted_at=None),
            ),
        ),
        migrations.RemoveIndex("video", "video_ended"),
        migrations.AddIndex(
            "video",
            index(
                "video_ended",
                "completed_at",
                "status",
                condition=Q(completed_at__isnull=False),
            ),
        ),
    ]
