"""Storyboards: the shots of a film in their order, and the takes of each."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models

from videos.models.media_job import MediaJob
from videos.models.upload import Upload
from videos.models.video import Video

STYLE_MAX = 400


class StoryboardQuerySet(models.QuerySet["Storyboard"]):
    def of(self, user: AbstractBaseUser) -> "StoryboardQuerySet":
        return self.filter(user_id=user.pk)


class Storyboard(models.Model):
    """A film that is planned: what all its shots share, and the job that joined it last.

    An empty model is the default one, and an empty size the default of the model.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="storyboards", db_index=False
    )
    title = models.CharField(max_length=80)
    # Words that follow the prompt of each shot.
    style = models.CharField(max_length=STYLE_MAX, blank=True)
    model = models.CharField(max_length=64, blank=True)
    size = models.CharField(max_length=16, blank=True)
    film = models.ForeignKey(MediaJob, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = StoryboardQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "-updated_at", "id"], name="storyboard_changed")
        ]

    def __str__(self) -> str:
        return self.title


class Shot(models.Model):
    """One shot; `position` counts from 1, without a gap.

    An empty model is the storyboard's, and 0 seconds are the default of the model. It begins with
    an image of its own, with the last frame of the shot before it, or with neither.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    storyboard = models.ForeignKey(Storyboard, models.CASCADE, related_name="shots")
    position = models.PositiveSmallIntegerField()
    prompt = models.TextField()
    seconds = models.PositiveSmallIntegerField(default=0)
    model = models.CharField(max_length=64, blank=True)
    first_image = models.ForeignKey(Upload, models.SET_NULL, null=True, related_name="+")
    continues = models.BooleanField(default=False)
    # The take its owner chose; without one, or once that is deleted, the newest finished one.
    picked = models.ForeignKey(Video, models.SET_NULL, null=True, related_name="+", db_index=False)

    class Meta:
        ordering: ClassVar = ["position", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(continues=False) | models.Q(first_image=None),
                name="shot_has_one_beginning",
            )
        ]

    def __str__(self) -> str:
        return f"{self.storyboard_id} {self.position}"


class ShotTake(models.Model):
    """A video that was ordered for a shot."""

    shot = models.ForeignKey(Shot, models.CASCADE, related_name="takes")
    video = models.OneToOneField(Video, models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.shot_id} {self.video_id}"
