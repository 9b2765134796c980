"""What a user's ended videos of a day add up to."""

from uuid import UUID

from django.conf import settings
from django.db import models

# Stands for "without an API key": a unique constraint takes no two NULLs for the same.
NO_KEY = UUID(int=0)


class DailyUsage(models.Model):
    """The ended videos that a user ordered on a day of UTC, of one model, kind, key and state.

    The triggers of migration 0022 write it, in the statement that changes a video.
    `videos.reports.daily_usage` reads and checks it, and the audit has it repair what is wrong. A
    row that counts no video any more stays.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    day = models.DateField()
    model = models.CharField(max_length=64)
    operation = models.CharField(max_length=16)
    # The id of the API key, which may have been deleted, or NO_KEY.
    api_key = models.UUIDField(default=NO_KEY)
    status = models.CharField(max_length=16)
    videos = models.BigIntegerField(default=0)
    seconds = models.BigIntegerField(default=0)
    credits = models.BigIntegerField(default=0)
    # From order to end, in microseconds.
    waited = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "day", "model", "operation", "api_key", "status"],
                name="daily_usage_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.day} {self.model}: {self.videos} {self.status}"
