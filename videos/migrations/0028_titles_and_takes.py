"""Titles that people give videos, and which videos are takes of one order; no table is copied."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_request_log"),
        ("videos", "0027_public_source"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="video",
            name="picked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="video",
            name="take_count",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="video",
            name="take_group",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="video",
            name="take_number",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="video",
            name="title",
            field=models.CharField(max_length=100, null=True),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                condition=models.Q(("take_group__isnull", False)),
                fields=["user", "take_group"],
                name="video_takes",
            ),
        ),
    ]
