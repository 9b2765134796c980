"""Subscriptions to e-mail digests."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class DigestSubscription(models.Model):
    """A user wants e-mails about videos; all that ended by `reported_until` are sent."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    reported_until = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.reported_until:%Y-%m-%d %H:%M}"
