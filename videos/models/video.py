"""Videos: what was ordered, how it stands, its files. Only the state machine writes the status."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import Case, Expression, F, Q, Value, When
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.lib import clock
from videos.models.not_by_index import NotByIndex
from videos.models.search_text import SearchTextField, containing
from videos.models.upload import Upload
from videos.models.video_names import VideoNames


class VideoQuerySet(models.QuerySet["Video"]):
    def of(self, user: AbstractBaseUser) -> "VideoQuerySet":
        """The videos this user may see; every interface loads through here."""
        return self.of_id(user.pk)

    def of_id(self, user_id: UUID | Expression) -> "VideoQuerySet":
        """The videos that the user with this id may see."""
        return self.filter(user_id=user_id, deleted_at=None)

    def with_deleted_of(self, user: AbstractBaseUser) -> "VideoQuerySet":
        """The videos of this user, also deleted ones, which may only tell where a list goes on."""
        return self.filter(user_id=user.pk)

    def shown(self) -> "VideoQuerySet":
        """The videos whose signed URLs work: not deleted, and of active users."""
        return self.filter(deleted_at=None, user__is_active=True)

    def kept(self) -> "VideoQuerySet":
        """The videos that are not deleted, or whose deletion can still be undone."""
        return self.filter(Q(deleted_at=None) | Q(next_step_at__gt=clock.now()))

    def due(self, now: datetime) -> "VideoQuerySet":
        """Rows a worker should claim now, longest waiting first."""
        return self.filter(next_step_at__lte=now).order_by("next_step_at")

    def active(self) -> "VideoQuerySet":
        """The videos that have not ended, found by the index of the few that have not."""
        return self.filter(status__in=Video.ACTIVE, completed_at=None)

    def among(self, user: AbstractBaseUser, ids: Any) -> "VideoQuerySet":
        """The videos of this user that have one of these few ids, found by their ids."""
        own = Exact(NotByIndex("user", output_field=models.UUIDField()), user.pk)
        return self.filter(own, pk__in=ids, deleted_at=None)

    def matching(self, words: str) -> "VideoQuerySet":
        """The videos whose prompt and title contain each of these words; all for an empty text."""
        return self.filter(containing(words))

    def in_progress(self) -> "VideoQuerySet":
        """The videos that have not ended: those that render, then the others, oldest first."""
        renders = When(status__in=Video.RENDERING, then=0)
        order = Case(renders, default=1, output_field=models.IntegerField())
        return self.active().order_by(order, "created_at", "id")

    def in_own_order(self) -> "VideoQuerySet":
        """Waiting orders of one user: those moved to the front, the last one first; then by age.

        In the order of videos.jobs.ranking.
        """
        return self.order_by(F("front_at").desc(nulls_last=True), "created_at", "id")

    def newest(self) -> "VideoQuerySet":
        return self.order_by("-created_at", "-id")


class Video(VideoNames):
    """One ordered video, until its file is stored or its credits are refunded."""

    class Operation(models.TextChoices):
        TEXT = "text", _("From text")
        IMAGE = "image", _("From an image")
        FIRST_LAST = "first_last", _("From a first and a last image")
        REFERENCE = "reference", _("From reference images")
        REMIX = "remix", _("Remix")
        EDIT = "edit", _("Edit")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SUBMITTING = "submitting", _("Submitting")
        SUBMIT_UNKNOWN = "submit_unknown", _("Submission unconfirmed")
        RUNNING = "running", _("Rendering")
        DOWNLOADING = "downloading", _("Saving")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        TIMEOUT = "timeout", _("Timed out")

    class CostSource(models.TextChoices):
        ENGINE = "engine", _("from the engine")
        ESTIMATE = "estimate", _("estimated by the catalog")

    class WebhookFormat(models.TextChoices):
        TASK = "task"
        # An event of the Videos API of OpenAI.
        OPENAI = "openai"

    # The operations that have images of the user.
    WITH_IMAGES: ClassVar = (Operation.IMAGE, Operation.FIRST_LAST, Operation.REFERENCE)
    ACTIVE: ClassVar = (
        Status.QUEUED,
        Status.SUBMITTING,
        Status.SUBMIT_UNKNOWN,
        Status.RUNNING,
        Status.DOWNLOADING,
    )
    RENDERING: ClassVar = (Status.RUNNING, Status.DOWNLOADING)
    LOST: ClassVar = (Status.FAILED, Status.CANCELLED, Status.TIMEOUT)
    # What staff may have fetched again: a cancelled video is what its owner wanted.
    RESCUABLE: ClassVar = (Status.FAILED, Status.TIMEOUT)
    # How long a deletion can be undone. Pages promise 10 seconds; slow connections get more.
    UNDO: ClassVar = timedelta(minutes=1)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The indexes of lists begin with the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="videos",
        verbose_name=_("user"),
        db_index=False,
    )

    # What was ordered, and for how much.
    operation = models.CharField(_("operation"), max_length=16, choices=Operation)
    search_text = SearchTextField()
    model = models.CharField(_("model"), max_length=64)
    # The alias by which the model was ordered; "" when it was ordered by its own id.
    requested_model = models.CharField(_("ordered as"), max_length=64, blank=True)
    size = models.CharField(_("size"), max_length=16)
    seconds = models.PositiveSmallIntegerField(_("seconds"))
    first_image = models.ForeignKey(
        Upload, models.PROTECT, null=True, related_name="+", verbose_name=_("first image")
    )
    last_image = models.ForeignKey(
        Upload, models.PROTECT, null=True, related_name="+", verbose_name=_("last image")
    )
    source = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="remixes", verbose_name=_("made from")
    )
    # Another user's video that was public when it was remixed; `source` is the user's own.
    public_source = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="+", verbose_name=_("remixed clip")
    )
    retry_of = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="retries", verbose_name=_("retry of")
    )
    # What the order chose besides; null and "" leave it to the model.
    seed = models.BigIntegerField(_("seed"), null=True)
    negative_prompt = models.TextField(_("negative prompt"), blank=True)
    audio = models.BooleanField(_("sound"), null=True)
    credits = models.PositiveIntegerField(_("credits"))
    # The API key it was ordered with; none when it was ordered in the studio.
    api_key = models.ForeignKey(
        "accounts.ApiKey", models.SET_NULL, null=True, related_name="+", db_index=False
    )
    # Where to send the webhook when the video ends; "" for none.
    webhook_url = models.CharField(max_length=2048, blank=True)
    webhook_format = models.CharField(
        max_length=8, choices=WebhookFormat, default=WebhookFormat.TASK, db_default="task"
    )
    # Texts by name that the client keeps with the video; returned as they were sent.
    metadata = models.JSONField(default=dict, blank=True, db_default=Value({}, models.JSONField()))

    # How it stands.
    status = models.CharField(_("state"), max_length=16, choices=Status, default=Status.QUEUED)
    progress = models.FloatField(_("progress"), default=0)
    failure_code = models.CharField(_("failure code"), max_length=64, blank=True)
    # The engine's message, for staff only.
    failure_detail = models.TextField(_("message of the engine"), blank=True)

    # The engine that renders it, and the job's id there.
    engine = models.CharField(_("engine"), max_length=32)
    engine_job_id = models.CharField(_("id at the engine"), max_length=512, blank=True)
    # What the job costs the operator; None while nobody knows. videos.jobs.money.costs decides it.
    cost_amount = models.DecimalField(_("cost"), max_digits=12, decimal_places=6, null=True)
    cost_currency = models.CharField(_("currency of the cost"), max_length=3, blank=True)
    cost_source = models.CharField(
        _("source of the cost"), max_length=8, choices=CostSource, blank=True
    )

    # The queue: `next_step_at` is the due time, or the end of the lease while a worker holds the
    # row; `lease` is the token of that worker; a later `woken_at` makes the row due at once.
    next_step_at = models.DateTimeField(_("next step"), null=True)
    lease = models.UUIDField(null=True)
    # The trace of its order, which the steps of workers go on with; see config.lib.tracing. NULL
    # instead of "", because SQLite adds such a column without making the table anew.
    traceparent = models.CharField(max_length=55, null=True)  # noqa: DJ001
    claimed_at = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)
    # What its owner did with a waiting order: since when it is held back (it is not due then), for
    # how long it was before, and when it was moved before the others of its owner.
    paused_at = models.DateTimeField(_("paused"), null=True)
    paused_for = models.DurationField(null=True)
    front_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    missing_since = models.DateTimeField(null=True)
    submit_count = models.PositiveSmallIntegerField(_("submissions"), default=0)
    poll_count = models.PositiveIntegerField(_("polls"), default=0)
    # An ended video whose files or whose job at the engine are still to be deleted.
    needs_cleanup = models.BooleanField(default=False)
    # A video that ended although its job finished: until when the job is left at the engine,
    # whether staff have its file fetched again, why that failed, and when it succeeded.
    result_kept_until = models.DateTimeField(null=True)
    fetches_again = models.BooleanField(default=False)
    fetch_again_error = models.TextField(blank=True)
    rescued_at = models.DateTimeField(null=True)

    created_at = models.DateTimeField(_("created"), db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True)
    started_at = models.DateTimeField(_("started"), null=True)
    rendered_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(_("ended"), null=True)
    deadline_at = models.DateTimeField()
    deleted_at = models.DateTimeField(_("deleted"), null=True)

    # The result: stored here, or left at the engine, which keeps it until then if it says so.
    file_stays_at_engine = models.BooleanField(default=False)
    engine_keeps_until = models.DateTimeField(_("kept by the engine until"), null=True)
    file = models.FileField(max_length=255, blank=True)
    file_bytes = models.BigIntegerField(default=0)
    file_sha256 = models.CharField(max_length=64, blank=True)
    thumbnail = models.FileField(max_length=255, blank=True)
    spritesheet = models.FileField(max_length=255, blank=True)

    # The number of its last change in its owner's feed.
    sequence = models.BigIntegerField(default=0)

    # The place among the orders that wait, from 1; videos.jobs.queue.add_positions sets it.
    queue_position: int | None = None

    objects = VideoQuerySet.as_manager()

    class Meta:
        verbose_name = _("video")
        verbose_name_plural = _("videos")
        indexes = [
            models.Index(
                fields=["next_step_at"], condition=Q(next_step_at__isnull=False), name="video_due"
            ),
            # With `deleted_at` they tell which videos a page far down a list has.
            models.Index(fields=["user", "-created_at", "-id", "deleted_at"], name="video_newest"),
            models.Index(fields=["user", "sequence"], name="video_changes"),
            models.Index(
                fields=["user", "status", "-created_at", "-id", "deleted_at"],
                name="video_of_status",
            ),
            models.Index(
                fields=["user", "-seconds", "-created_at", "-id"],
                condition=Q(deleted_at=None),
                name="video_longest",
            ),
            models.Index(
                fields=["user", "model", "size"], condition=Q(deleted_at=None), name="video_kind"
            ),
            models.Index(
                fields=["user", "-created_at", "-id"],
                condition=Q(favourited_at__isnull=False, deleted_at=None),
                name="video_favourite",
            ),
            models.Index(
                fields=["completed_at", "status"],
                condition=Q(completed_at__isnull=False),
                name="video_ended",
            ),
            # How many videos a user cancelled lately, however long ago they were ordered.
            models.Index(
                fields=["user", "status", "completed_at"],
                condition=Q(completed_at__isnull=False),
                name="video_ended_of_user",
            ),
            # A condition on the status would not do: SQLite uses an index only for a condition that
            # stands in the statement itself, not in its parameters.
            models.Index(
                fields=["status", "engine"],
                condition=Q(completed_at__isnull=True),
                name="video_active",
            ),
            models.Index(
                fields=["api_key", "created_at"],
                condition=Q(api_key__isnull=False),
                name="video_by_key",
            ),
            models.Index(
                fields=["user", "created_at"], condition=Q(status="queued"), name="video_queue"
            ),
            models.Index(
                fields=["user", "take_group"],
                condition=Q(take_group__isnull=False),
                name="video_takes",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["engine", "engine_job_id"],
                condition=~Q(engine_job_id=""),
                name="video_engine_job_once",
            ),
            models.CheckConstraint(
                condition=Q(progress__gte=0, progress__lte=100), name="video_progress_bounds"
            ),
            models.CheckConstraint(
                condition=Q(cost_amount=None, cost_currency="", cost_source="")
                | Q(cost_amount__gte=0) & ~Q(cost_currency="") & ~Q(cost_source=""),
                name="video_cost_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(status="succeeded") | ~Q(file="") | Q(file_stays_at_engine=True),
                name="video_succeeded_has_file",
            ),
        ]

    @property
    def has_file(self) -> bool:
        return bool(self.file) or self.file_stays_at_engine

    @property
    def expires_at(self) -> datetime | None:
        """Until when its engine keeps its file; None for a stored one and where nobody knows."""
        return self.engine_keeps_until if self.file_stays_at_engine else None

    @property
    def is_expired(self) -> bool:
        """Whether its engine no longer keeps its file."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def remixed(self) -> "Video | None":
        """The video that it remixes, the user's own or a public one."""
        return self.source or self.public_source

    @property
    def is_remix(self) -> bool:
        """Whether only the engine of another video can make it."""
        return bool(self.source_id or self.public_source_id)

    @property
    def is_lost(self) -> bool:
        """Whether it ended without a file; its credits were refunded then."""
        return self.status in self.LOST

    @property
    def is_refunded(self) -> bool:
        """Whether its credits were returned; those of a rescued video stay with its owner."""
        return self.is_lost or self.rescued_at is not None

    @property
    def is_rescue_due(self) -> bool:
        """Whether the next step of this claimed video fetches its result again."""
        may = self.fetches_again and self.is_lost and self.deleted_at is None
        until, since = self.result_kept_until, self.claimed_at
        return bool(may and until and since and since < until)

    @property
    def ordered_model(self) -> str:
        """The word for the model in the order; prices and documented answers go by it."""
        return self.requested_model or self.model

    @property
    def reference_images(self) -> list[Upload]:
        """Its reference images in their order; no query for an operation without any."""
        if self.operation != self.Operation.REFERENCE:
            return []
        return [row.upload for row in self.references.all()]

    @property
    def images(self) -> list[Upload]:
        """All images of its order: the first, the last, then the reference images."""
        frames = [image for image in (self.first_image, self.last_image) if image]
        return [*frames, *self.reference_images]

    @property
    def width(self) -> int:
        return int(self.size.split("x")[0])

    @property
    def height(self) -> int:
        return int(self.size.split("x")[1])
