"""The timeline of a video."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from videos.models.video import Video


class VideoEvent(models.Model):
    """A change of a video's status, shown on its timeline."""

    video = models.ForeignKey(Video, models.CASCADE, related_name="events", verbose_name=_("video"))
    status = models.CharField(_("state"), max_length=16, choices=Video.Status)
    at = models.DateTimeField(_("time"))
    # For staff only.
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("timeline")
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.video_id} {self.status}"
