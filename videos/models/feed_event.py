"""The events of users' feeds that are kept."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class FeedEvent(models.Model):
    """A change of a video's status, as it was sent to its owner; only videos.feed writes it."""

    # The unique constraint is the index that finds a user's events.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    sequence = models.BigIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "sequence"], name="feed_event_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.sequence}"
