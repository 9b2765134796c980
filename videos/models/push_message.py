"""Notifications that wait for a browser."""

import uuid

from django.db import models

from videos.models.push_subscription import PushSubscription
from videos.models.video import Video


class PushMessage(models.Model):
    """The news that a video has ended, until a browser's push service has taken it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subscription = models.ForeignKey(PushSubscription, models.CASCADE, related_name="messages")
    video = models.ForeignKey(Video, models.CASCADE, related_name="+")
    tries = models.PositiveSmallIntegerField(default=0)
    # When it is due, or the end of the lease while a worker holds it, whose token is `lease`.
    next_try_at = models.DateTimeField(db_index=True)
    lease = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "video"], name="push_message_once_a_video"
            )
        ]

    def __str__(self) -> str:
        return f"{self.video_id} for {self.subscription_id}"
