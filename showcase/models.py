"""What the public sees: finished videos whose owners agreed, picked and ordered by staff."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

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

    video = models.OneToOneField(
        Video, models.CASCADE, related_name="clip", verbose_name=_("video")
    )
    title = models.CharField(_("title"), max_length=120)
    description = models.TextField(_("description"), blank=True, max_length=1000)
    display_order = models.IntegerField(
        _("order"), default=100, help_text=_("Lower numbers come first.")
    )
    is_active = models.BooleanField(_("published"), default=False)
    consented_at = models.DateTimeField(_("owner agreed"), null=True, editable=False)
    view_count = models.PositiveBigIntegerField(_("views"), default=0, editable=False)
    like_count = models.PositiveBigIntegerField(_("likes"), default=0, editable=False)
    created_at = models.DateTimeField(_("offered"), default=timezone.now, editable=False)

    objects = ClipQuerySet.as_manager()

    class Meta:
        verbose_name = _("clip")
        verbose_name_plural = _("clips")
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


class Letter(models.Model):
    """Something somebody wrote to us; staff answer it, or not, and say what they did."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("person"),
    )
    email = models.EmailField(_("e-mail"), blank=True)
    text = models.TextField(_("text"), max_length=4000)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    staff_note = models.TextField(_("staff note"), blank=True, max_length=2000)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        abstract = True
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d} {self.text[:60]}"


class Report(Letter):
    """A video that somebody says should not be here."""

    class Reason(models.TextChoices):
        PERSON = "person", _("It shows a real person without consent")
        MINOR = "minor", _("It sexualises or endangers a minor")
        RIGHTS = "rights", _("It uses my work without permission")
        HATE = "hate", _("Hate, threats or harassment")
        DECEPTION = "deception", _("It is meant to deceive")
        OTHER = "other", _("Something else")

    class Decision(models.TextChoices):
        HIDDEN = "hidden", _("Hidden from the public")
        KEPT = "kept", _("Nothing wrong with it")
        UNCLEAR = "unclear", _("Not ours, or not found")

    # The address or id as it was given; what it leads to is for staff to find.
    subject = models.CharField(_("what"), max_length=500)
    reason = models.CharField(_("reason"), max_length=12, choices=Reason)
    decision = models.CharField(_("decision"), max_length=8, choices=Decision, blank=True)

    class Meta(Letter.Meta):
        verbose_name = _("abuse report")
        verbose_name_plural = _("abuse reports")

    def __str__(self) -> str:
        return f"{self.get_reason_display()}, {self.created_at:%Y-%m-%d}"


class Feedback(Letter):
    """What somebody thinks of the product."""

    class Meta(Letter.Meta):
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
