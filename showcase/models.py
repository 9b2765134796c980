"""What the public sees: finished videos whose owners agreed, picked and ordered by staff."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from videos.models import Video


class ClipQuerySet(models.QuerySet["Clip"]):
    def public(self) -> "ClipQuerySet":
        """What anybody may see, in the order staff gave it."""
        shown = self.filter(
            is_active=True,
            video__status=Video.Status.SUCCEEDED,
            video__deleted_at=None,
            video__user__is_active=True,
        )
        return shown.select_related("video").order_by("display_order", "-pk")


class Clip(models.Model):
    """A video offered for the showcase; `consented_at` is when its owner last agreed."""

    video = models.OneToOneField(Video, models.CASCADE, related_name="clip")
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=1000)
    display_order = models.IntegerField(default=100, help_text="Lower numbers come first.")
    is_active = models.BooleanField("published", default=False)
    consented_at = models.DateTimeField(null=True, editable=False)
    view_count = models.PositiveBigIntegerField(default=0, editable=False)
    like_count = models.PositiveBigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ClipQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["display_order", "-pk"]
        indexes = [
            models.Index(
                fields=["display_order", "-id"], condition=Q(is_active=True), name="clip_public"
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(consented_at__isnull=False),
                name="clip_published_with_consent",
            )
        ]

    def __str__(self) -> str:
        return self.title


class View(models.Model):
    """A visitor saw a clip within an hour; who that was cannot be told from it."""

    clip = models.ForeignKey(Clip, models.CASCADE, related_name="views")
    visitor = models.CharField(max_length=64)
    hour = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clip", "visitor", "hour"], name="view_once_an_hour")
        ]

    def __str__(self) -> str:
        return f"{self.clip_id} {self.hour:%Y-%m-%d %H}"


class Like(models.Model):
    clip = models.ForeignKey(Clip, models.CASCADE, related_name="likes")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="likes")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clip", "user"], name="like_once")]

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.clip_id}"
