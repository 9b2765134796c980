"""Links by which people without an account review a video, and what they say."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from videos.models.media_job import MediaJob
from videos.models.video import Video

MAX_LABEL = MAX_NAME = 60
MAX_TEXT = 2000


class ReviewLink(models.Model):
    """A link by which others watch a preview of a video and say what they think of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, models.CASCADE, related_name="review_links")
    label = models.CharField(max_length=MAX_LABEL)
    # As Django hashes passwords; "" for a link without one.
    password = models.CharField(max_length=128, blank=True)
    full_file = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # What makes the preview, and has its file; None once that was given up with the link.
    preview = models.OneToOneField(MediaJob, models.SET_NULL, null=True, related_name="review_link")

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"], condition=Q(preview__isnull=False), name="review_has_preview"
            )
        ]

    def __str__(self) -> str:
        return f"{self.video_id} until {self.ended_at or self.expires_at}"


class ReviewComment(models.Model):
    """What a reviewer said: a comment at a moment of the film, or a verdict about all of it."""

    class Kind(models.TextChoices):
        COMMENT = "comment", _("Comment")
        APPROVED = "approved", _("Approved")
        CHANGES = "changes", _("Changes asked for")

    link = models.ForeignKey(ReviewLink, models.CASCADE, related_name="comments")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.COMMENT)
    name = models.CharField(max_length=MAX_NAME)
    text = models.TextField(blank=True)
    # In seconds; None for a verdict. The point goes from 0 (left, top) to 1.
    at = models.FloatField(null=True)
    x = models.FloatField(null=True)
    y = models.FloatField(null=True)
    created_at = models.DateTimeField()
    # Set by the owner of the video.
    hidden_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    # When the owner was told by e-mail.
    notified_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]
        indexes: ClassVar = [
            models.Index(
                fields=["created_at"],
                condition=Q(notified_at__isnull=True),
                name="review_not_notified",
            )
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(x=None, y=None) | Q(x__range=(0, 1), y__range=(0, 1)),
                name="review_point_in_picture",
            ),
            models.CheckConstraint(
                condition=Q(kind="comment", at__gte=0) | ~Q(kind="comment") & Q(at=None),
                name="review_comment_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.name}"

    @property
    def is_verdict(self) -> bool:
        return self.kind != self.Kind.COMMENT


class ReviewMailStop(models.Model):
    """A user wants no e-mails about reviews."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )

    def __str__(self) -> str:
        return str(self.user_id)
