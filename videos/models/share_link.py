"""Links that show a video to anyone."""

import uuid

from django.db import models
from django.db.models import Q

from videos.models.video import Video


class ShareLink(models.Model):
    """A link that shows one video to anyone who has it, until it expires or is revoked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, models.CASCADE, related_name="share_links")
    with_prompt = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["video"], condition=Q(revoked_at=None), name="share_link_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.video_id} until {self.expires_at or self.revoked_at}"
