"""An index of a user's ended videos by their end, which is not bound to when they were ordered."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("videos", "0024_own_queue")]

    operations = [
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                fields=["user", "status", "completed_at"],
                condition=Q(completed_at__isnull=False),
                name="video_ended_of_user",
            ),
        ),
    ]
