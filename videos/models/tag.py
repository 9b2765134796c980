"""Words that a user puts on videos to find them by."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from videos.models.video import Video

# Characters of one tag.
MAX_TAG = 40


class Tag(models.Model):
    """A tag of one user, and the videos that have it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="video_tags", db_index=False
    )
    # What tells tags apart: the search key of the name.
    key = models.CharField(max_length=MAX_TAG)
    # As it was first written.
    name = models.CharField(max_length=MAX_TAG)
    videos = models.ManyToManyField(Video, related_name="tags")

    class Meta:
        ordering: ClassVar = ["key"]
        # Its index also finds the tags of a user, in order.
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="tag_once")]

    def __str__(self) -> str:
        return self.name
