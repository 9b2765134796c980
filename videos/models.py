"""Videos and what belongs to them. Only videos.jobs.state_machine writes a video's status."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _


class VideoQuerySet(models.QuerySet["Video"]):
    def of(self, user: AbstractBaseUser) -> "VideoQuerySet":
        """The videos this user may see: the one gate of every door."""
        return self.filter(user_id=user.pk, deleted_at=None)

    def shown(self) -> "VideoQuerySet":
        """The videos whose signed addresses work: not deleted, and of people who are still here."""
        return self.filter(deleted_at=None, user__is_active=True)

    def kept(self) -> "VideoQuerySet":
        """What is not deleted, or may still be brought back."""
        return self.filter(Q(deleted_at=None) | Q(next_step_at__gt=timezone.now()))

    def due(self, now: datetime) -> "VideoQuerySet":
        """Rows a worker should take up now, longest waiting first."""
        return self.filter(next_step_at__lte=now).order_by("next_step_at")

    def matching(self, words: str) -> "VideoQuerySet":
        return self.filter(prompt__icontains=words) if words else self

    def newest(self) -> "VideoQuerySet":
        return self.order_by("-created_at", "-id")


class UploadQuerySet(models.QuerySet["Upload"]):
    def of(self, user: AbstractBaseUser) -> "UploadQuerySet":
        """The files this user may see and use."""
        return self.filter(user_id=user.pk, stored=True)


class Upload(models.Model):
    """A file somebody sent: a checked and re-encoded image, or a checked clip."""

    class Kind(models.TextChoices):
        IMAGE = "image"
        VIDEO = "video"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.IMAGE)
    file = models.FileField(max_length=255)
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=40)
    size_bytes = models.BigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    # False while its file is on its way to storage: it counts for the quota and is not shown.
    stored = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = UploadQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Price(models.Model):
    """Staff's own price in credits for up to 12 seconds; wins over the catalog's."""

    class Kind(models.TextChoices):
        TEXT = "text", _("From words")
        IMAGE = "image", _("From an image")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    model = models.CharField(_("model"), max_length=64)
    credits = models.PositiveIntegerField(_("credits"), validators=[MinValueValidator(1)])

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [models.UniqueConstraint(fields=["kind", "model"], name="price_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.model}: {self.credits}"


class Video(models.Model):
    """One video somebody asked for, from the order to the stored file or the returned credits."""

    class Operation(models.TextChoices):
        TEXT = "text", _("From words")
        IMAGE = "image", _("From an image")
        REMIX = "remix", _("Remix")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SUBMITTING = "submitting", _("Being sent")
        SUBMIT_UNKNOWN = "submit_unknown", _("Unsure whether it was sent")
        RUNNING = "running", _("Rendering")
        DOWNLOADING = "downloading", _("Being saved")
        SUCCEEDED = "succeeded", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        TIMEOUT = "timeout", _("Too late")

    ACTIVE: ClassVar = (
        Status.QUEUED,
        Status.SUBMITTING,
        Status.SUBMIT_UNKNOWN,
        Status.RUNNING,
        Status.DOWNLOADING,
    )
    LOST: ClassVar = (Status.FAILED, Status.CANCELLED, Status.TIMEOUT)
    # How long a deletion can be undone. Pages promise 10 seconds; slow connections get more.
    UNDO: ClassVar = timedelta(minutes=1)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="videos", verbose_name=_("person")
    )

    # What was ordered, and for how much.
    operation = models.CharField(_("operation"), max_length=8, choices=Operation)
    prompt = models.TextField(_("prompt"))
    model = models.CharField(_("model"), max_length=64)
    size = models.CharField(_("size"), max_length=16)
    seconds = models.PositiveSmallIntegerField(_("seconds"))
    reference = models.ForeignKey(
        Upload, models.PROTECT, null=True, related_name="videos", verbose_name=_("reference image")
    )
    source = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="remixes", verbose_name=_("made from")
    )
    retry_of = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="retries", verbose_name=_("new try of")
    )
    credits = models.PositiveIntegerField(_("credits"))
    # What a program ordered it with; nothing when a person did.
    api_key = models.ForeignKey("accounts.ApiKey", models.SET_NULL, null=True, related_name="+")
    # Whom to tell when it has ended; "" for nobody.
    webhook_url = models.CharField(max_length=2048, blank=True)

    # Where it stands.
    status = models.CharField(_("state"), max_length=16, choices=Status, default=Status.QUEUED)
    progress = models.FloatField(_("progress"), default=0)
    failure_code = models.CharField(_("failure code"), max_length=64, blank=True)
    # What the upstream said, for staff only.
    failure_detail = models.TextField(_("what the engine said"), blank=True)

    # The upstream's side.
    provider = models.CharField(_("engine"), max_length=32)
    upstream_id = models.CharField(_("id at the engine"), max_length=512, blank=True)

    # The queue: due time and lease in one column, the token that fences writes, the bell.
    next_step_at = models.DateTimeField(_("next step"), null=True)
    lease = models.UUIDField(null=True)
    claimed_at = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    missing_since = models.DateTimeField(null=True)
    submits = models.PositiveSmallIntegerField(_("times sent"), default=0)
    polls = models.PositiveIntegerField(_("times asked"), default=0)
    # A finished video whose job is still to be deleted upstream.
    cleanup = models.BooleanField(default=False)

    created_at = models.DateTimeField(_("created"), db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(_("sent"), null=True)
    started_at = models.DateTimeField(_("started"), null=True)
    rendered_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(_("ended"), null=True)
    deadline_at = models.DateTimeField()
    deleted_at = models.DateTimeField(_("deleted"), null=True)

    # The stored result.
    file = models.FileField(max_length=255, blank=True)
    file_bytes = models.BigIntegerField(default=0)
    file_sha256 = models.CharField(max_length=64, blank=True)
    thumbnail = models.FileField(max_length=255, blank=True)
    spritesheet = models.FileField(max_length=255, blank=True)

    # The number of its last change in its owner's stream of changes.
    seq = models.BigIntegerField(default=0)

    # When its owner marked it as a favourite.
    favourited_at = models.DateTimeField(null=True)

    objects = VideoQuerySet.as_manager()

    class Meta:
        verbose_name = _("video")
        verbose_name_plural = _("videos")
        indexes = [
            models.Index(
                fields=["next_step_at"], condition=Q(next_step_at__isnull=False), name="video_due"
            ),
            models.Index(fields=["user", "-created_at", "-id"], name="video_newest"),
            models.Index(fields=["user", "seq"], name="video_changes"),
            models.Index(fields=["user", "status"], name="video_by_status"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "upstream_id"],
                condition=~Q(upstream_id=""),
                name="video_upstream_once",
            ),
            models.CheckConstraint(
                condition=Q(progress__gte=0, progress__lte=100), name="video_progress_bounds"
            ),
            models.CheckConstraint(
                condition=~Q(status="succeeded") | ~Q(file=""), name="video_succeeded_has_file"
            ),
        ]

    def __str__(self) -> str:
        return Truncator(self.prompt).chars(60) or str(self.pk)

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def is_lost(self) -> bool:
        """It ended without a file, so its credits went back."""
        return self.status in self.LOST

    @property
    def width(self) -> int:
        return int(self.size.split("x")[0])

    @property
    def height(self) -> int:
        return int(self.size.split("x")[1])


class Refusal(models.Model):
    """An order the content check stopped; staff may overrule it, which frees its user again."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="refusals", verbose_name=_("person")
    )
    prompt = models.TextField(_("prompt"))
    had_image = models.BooleanField(_("with an image"), default=False)
    categories = models.JSONField(_("categories"))
    overruled = models.BooleanField(_("overruled"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("refused prompt")
        verbose_name_plural = _("refused prompts")
        indexes = [models.Index(fields=["user", "-created_at"], name="refusal_newest")]

    def __str__(self) -> str:
        return ", ".join(self.categories)


class WebhookSecret(models.Model):
    """What signs one user's webhooks; after a change the former one stays good for a while."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    secret = models.CharField(max_length=80)
    former = models.CharField(max_length=80, blank=True)
    former_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"webhook secret of {self.user_id}"


class Delivery(models.Model):
    """One webhook on its way to a client: that a video ended."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        # The address leads somewhere we never go.
        BLOCKED = "blocked", _("Address not allowed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="deliveries",
        verbose_name=_("person"),
    )
    video = models.OneToOneField(
        Video, models.CASCADE, related_name="delivery", verbose_name=_("video")
    )
    url = models.CharField(_("address"), max_length=2048)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    # The queue: due time and lease in one column, and the token that fences writes.
    next_try_at = models.DateTimeField(_("next try"), null=True)
    lease = models.UUIDField(null=True)
    created_at = models.DateTimeField(_("created"))
    # When the present round of tries began; a redelivery begins another.
    round_at = models.DateTimeField()
    delivered_at = models.DateTimeField(_("delivered"), null=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="delivery_due"
            ),
            models.Index(fields=["user", "-created_at"], name="delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.url} {self.state}"


class Attempt(models.Model):
    """One try of a delivery; `code` is what the other side answered, if it did."""

    delivery = models.ForeignKey(
        Delivery, models.CASCADE, related_name="attempts", verbose_name=_("delivery")
    )
    at = models.DateTimeField(_("time"))
    took_ms = models.PositiveIntegerField(_("milliseconds"))
    code = models.PositiveSmallIntegerField(_("answer"), null=True)
    error = models.CharField(_("error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("try")
        verbose_name_plural = _("tries")
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.code or self.error}"


class Event(models.Model):
    """A step in the life of a video, for its owner's log and for staff."""

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


class Feed(models.Model):
    """The counter of one user's stream of changes; its row serialises them."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.seq}"


class Digest(models.Model):
    """Somebody wants to be written to about videos; what ended until `told_until` has been told."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    told_until = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.told_until:%Y-%m-%d %H:%M}"


class Upstream(models.Model):
    """The circuit of one engine, shared by every worker; written by videos.jobs.circuit_breaker."""

    name = models.CharField(_("name"), max_length=32, primary_key=True)
    # Orders in a row that it failed to answer.
    failures = models.PositiveIntegerField(_("failures"), default=0)
    # Since when it gets no orders, and when one may try it again.
    opened_at = models.DateTimeField(_("opened at"), null=True)
    retry_at = models.DateTimeField(_("retry at"), null=True)
    pauses = models.PositiveIntegerField(default=0)
    # The video that tries it.
    probe = models.UUIDField(null=True)
    # What it said, for staff only.
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    error_detail = models.TextField(_("error detail"), blank=True)
    error_at = models.DateTimeField(_("last error at"), null=True)

    class Meta:
        verbose_name = _("engine")
        verbose_name_plural = _("engines")

    def __str__(self) -> str:
        return self.name


class UpstreamEvent(models.Model):
    """The inbox of webhooks: each genuine one once, whether or not its job is known by then."""

    upstream = models.CharField(max_length=32)
    # The same when it is sent again: the event's own id, or the job and its state.
    event = models.CharField(max_length=200)
    job_id = models.CharField(max_length=512)
    video = models.ForeignKey(Video, models.CASCADE, null=True, related_name="bells")
    at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["upstream", "job_id"], name="bell_of_job")]
        constraints = [
            models.UniqueConstraint(fields=["upstream", "event"], name="bell_once"),
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.event}"


class Collection(models.Model):
    """Videos that one person keeps together under a name."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="video_collections"
    )
    name = models.CharField(max_length=80)
    videos = models.ManyToManyField(Video, related_name="collections")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="collection_name_once")
        ]

    def __str__(self) -> str:
        return self.name


class Preset(models.Model):
    """Options of the composer under a name, with words that end the prompt."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="presets")
    name = models.CharField(max_length=60)
    model = models.CharField(max_length=64)
    size = models.CharField(max_length=16)
    seconds = models.PositiveSmallIntegerField()
    takes = models.PositiveSmallIntegerField(default=1)
    ending = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="preset_name_once")]

    def __str__(self) -> str:
        return self.name


class Share(models.Model):
    """Leave to see one video for whoever has its link, until its owner takes it back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    video = models.ForeignKey(Video, models.CASCADE, related_name="shares")
    with_prompt = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["video"], condition=Q(revoked_at=None), name="share_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.video_id} until {self.expires_at or self.revoked_at}"
