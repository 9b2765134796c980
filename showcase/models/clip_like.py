"""Likes of clips."""

from django.conf import settings
from django.db import models

from showcase.models.clip import Clip


class ClipLike(models.Model):
    """A user likes a clip."""

    clip = models.ForeignKey(Clip, models.CASCADE, related_name="likes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="likes")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clip", "user"], name="like_once")]

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.clip_id}"
