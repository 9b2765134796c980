"""Browsers that are notified when a video has ended."""

import uuid

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import models


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
