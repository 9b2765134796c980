"""The counter of a user's changes."""

from django.conf import settings
from django.db import models


class Feed(models.Model):
    """The number of a user's last change; its row serialises that user's changes."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    sequence = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.sequence}"
