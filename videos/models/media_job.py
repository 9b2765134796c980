"""Work on finished videos that this machine does itself: edits and exports."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from videos.models.upload import Upload
from videos.models.video import Video


class MediaJobQuerySet(models.QuerySet["MediaJob"]):
    def of(self, user: AbstractBaseUser) -> "MediaJobQuerySet":
        return self.filter(user_id=user.pk)

    def active(self) -> "MediaJobQuerySet":
        """The jobs that wait or run."""
        return self.filter(status__in=MediaJob.ACTIVE)

    def newest(self) -> "MediaJobQuerySet":
        return self.order_by("-created_at", "-id")


class MediaJob(models.Model):
    """One edit or export, from its order to its file; an edit's video gets the id of the job."""

    class Kind(models.TextChoices):
        EDIT = "edit", _("Edit")
        EXPORT = "export", _("Export")
        # A small film with a watermark, for a review link: videos.editing.previews.
        PREVIEW = "preview", _("Preview")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        RUNNING = "running", _("Working")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    ACTIVE: ClassVar = (Status.QUEUED, Status.RUNNING)
    LOST: ClassVar = (Status.FAILED, Status.CANCELLED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="media_jobs",
        verbose_name=_("user"),
        db_index=False,
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.EDIT)
    # What is to be done, as videos.editing.recipes writes and reads it.
    recipe = models.JSONField(_("recipe"))
    # A sound file that the user uploaded for it; gone when that was deleted.
    sound = models.ForeignKey(Upload, models.SET_NULL, null=True, related_name="+")
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="retries")
    api_key = models.ForeignKey(
        "accounts.ApiKey", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    credits = models.PositiveIntegerField(_("credits"), default=0)

    status = models.CharField(_("state"), max_length=16, choices=Status, default=Status.QUEUED)
    progress = models.FloatField(_("progress"), default=0)
    failure_code = models.CharField(_("failure code"), max_length=64, blank=True)
    # What the process said, for staff only.
    failure_detail = models.TextField(_("message of the process"), blank=True)
    result = models.OneToOneField(
        Video, models.PROTECT, null=True, related_name="edit_job", verbose_name=_("video")
    )

    # The queue, as that of videos: the due time, or the end of the lease of the worker that has it.
    next_step_at = models.DateTimeField(_("next step"), null=True)
    lease = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # A job that ended without a video may have left files.
    needs_cleanup = models.BooleanField(default=False)

    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = MediaJobQuerySet.as_manager()

    class Meta:
        verbose_name = _("edit")
        verbose_name_plural = _("edits")
        indexes: ClassVar = [
            models.Index(
                fields=["next_step_at"], condition=Q(next_step_at__isnull=False), name="job_due"
            ),
            models.Index(fields=["user", "-created_at", "-id"], name="job_newest"),
            models.Index(
                fields=["user", "status"],
                condition=Q(ended_at__isnull=True),
                name="job_active",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(progress__gte=0, progress__lte=100), name="job_progress_bounds"
            ),
            models.CheckConstraint(
                condition=~Q(kind="edit", status="succeeded") | Q(result__isnull=False),
                name="job_edit_has_result",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def is_lost(self) -> bool:
        """Whether it ended without a video; its credits were returned then."""
        return self.status in self.LOST

    @property
    def videos(self) -> list[Video]:
        """The videos it is made of, in their order."""
        return [row.video for row in self.sources.all()]


class MediaJobSourceManager(models.Manager["MediaJobSource"]):
    def get_queryset(self) -> models.QuerySet["MediaJobSource"]:
        return super().get_queryset().select_related("video")


class MediaJobSource(models.Model):
    """One video that a job is made of; `position` counts from 0, a video may come twice."""

    job = models.ForeignKey(MediaJob, models.CASCADE, related_name="sources")
    video = models.ForeignKey(Video, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()

    objects = MediaJobSourceManager()

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "position"], name="job_source_position")
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.position}"
