"""The reference images of videos."""

from typing import ClassVar

from django.db import models

from videos.models.upload import Upload
from videos.models.video import Video


class VideoReferenceManager(models.Manager["VideoReference"]):
    def get_queryset(self) -> models.QuerySet["VideoReference"]:
        return super().get_queryset().select_related("upload")


class VideoReference(models.Model):
    """One reference image of a video; `position` counts from 0."""

    video = models.ForeignKey(Video, models.CASCADE, related_name="references")
    upload = models.ForeignKey(Upload, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()

    objects = VideoReferenceManager()

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["video", "position"], name="video_reference_position")
        ]

    def __str__(self) -> str:
        return f"{self.video_id} {self.position}"
