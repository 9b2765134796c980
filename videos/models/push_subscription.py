"""Browsers that are notified when a video has ended, and the notifications that wait for them."""

import uuid

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import models

from videos.models.video import Video


class PushSubscription(models.Model):
    """A browser in which a user asked for notifications; it ends with the sign-in there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    session = models.ForeignKey(UserSession, models.CASCADE, related_name="+")
    # Where the browser's maker takes messages for it, and the two keys that encrypt them.
    endpoint = models.CharField(max_length=2048, unique=True)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user_id}: {self.created_at:%Y-%m-%d %H:%M}"


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
