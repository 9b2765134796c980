"""Clips of the showcase: videos whose owners agreed to show them."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from showcase.styles import Style
from videos.jobs import public_videos
from videos.models import Video


class ClipQuerySet(models.QuerySet["Clip"]):
    def public(self) -> "ClipQuerySet":
        """Return the clips everyone may see, in the order set by staff."""
        shown = self.filter(is_active=True, **public_videos.shown_videos("video__"))
        maker = "video__user__maker"  # also None for a user who has no page
        return shown.select_related("video", maker).order_by("display_order", "-pk")


class Clip(models.Model):
    """A video offered to the showcase; `consented_at` is set while its owner agrees."""

    video = models.OneToOneField(
        Video, models.CASCADE, related_name="clip", verbose_name=_("video")
    )
    title = models.CharField(_("title"), max_length=120)
    # By the code of a language; without one the title itself is shown.
    titles = models.JSONField(_("titles in other languages"), null=True, blank=True)
    description = models.TextField(_("description"), blank=True, max_length=1000)
    style = models.CharField(_("style"), max_length=12, choices=Style, default=Style.LIVE)
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

    @property
    def shown_title(self) -> str:
        """The title in the reader's language, if there is one."""
        return (self.titles or {}).get(get_language() or "") or self.title
