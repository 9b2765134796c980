"""Collections of videos."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from videos.models.video import Video


class Collection(models.Model):
    """A named collection of one user's videos."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="video_collections"
    )
    name = models.CharField(max_length=80)
    videos = models.ManyToManyField(Video, related_name="collections")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="collection_name_once")
        ]

    def __str__(self) -> str:
        return self.name
