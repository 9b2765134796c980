"""Secrets that sign users' webhooks."""

from django.conf import settings
from django.db import models


class WebhookSecret(models.Model):
    """The secret that signs a user's webhooks; the former one also signs until `former_until`."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    secret = models.CharField(max_length=80)
    former = models.CharField(max_length=80, blank=True)
    former_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"webhook secret of {self.user_id}"
