"""Files of finished videos in other formats."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.lib import clock
from videos.models.media_job import MediaJob
from videos.models.video import Video


class MediaExportQuerySet(models.QuerySet["MediaExport"]):
    def of(self, user: AbstractBaseUser) -> "MediaExportQuerySet":
        """The exports that a user sees: neither removed nor over, of videos that are there."""
        kept = Q(kept_until=None) | Q(kept_until__gt=clock.now())
        return self.filter(kept, user_id=user.pk, removed_at=None, video__deleted_at=None)

    def newest(self) -> "MediaExportQuerySet":
        return self.order_by("-created_at", "-id")


class MediaExport(models.Model):
    """An export, with the id of its job; its file is there from the job's end to `kept_until`.

    Its only writer is videos.editing.exports.records.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    job = models.OneToOneField(
        MediaJob, models.CASCADE, related_name="export", verbose_name=_("job")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False
    )
    video = models.ForeignKey(Video, models.PROTECT, related_name="exports")
    format = models.CharField(_("format"), max_length=16)
    # Of the video's file and the options: the same export has the same one.
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(_("created"))

    # The names in storage; "" before it is made and after it was removed.
    file = models.CharField(_("file"), max_length=200, blank=True)
    sidecar = models.CharField(max_length=200, blank=True)
    file_bytes = models.PositiveBigIntegerField(_("bytes"), default=0)
    file_sha256 = models.CharField(max_length=64, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)
    # The name of the manifest in it or beside it; "" without one.
    manifest = models.CharField(max_length=100, blank=True)
    kept_until = models.DateTimeField(_("kept until"), null=True)
    removed_at = models.DateTimeField(_("removed"), null=True)

    objects = MediaExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        indexes: ClassVar = [
            models.Index(fields=["user", "-created_at", "-id"], name="export_newest"),
            models.Index(fields=["video", "fingerprint"], name="export_same"),
            models.Index(fields=["kept_until"], condition=Q(removed_at=None), name="export_kept"),
        ]

    def __str__(self) -> str:
        return f"{self.format} {self.pk}"
