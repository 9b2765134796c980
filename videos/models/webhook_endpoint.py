"""Account-wide receivers of webhooks."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from videos.models.video import Video


class WebhookEndpoint(models.Model):
    """A receiver of the webhooks about all videos of a user; without a URL its client pulls them.

    Only videos.webhooks.endpoints writes it.
    """

    class Event(models.TextChoices):
        COMPLETED = "video.completed", _("A video is completed")
        FAILED = "video.failed", _("A video failed or was cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="webhook_endpoints",
        verbose_name=_("user"),
    )
    url = models.CharField(_("address"), max_length=2048, blank=True)
    events = models.JSONField(_("events"), default=list)
    # One of Video.WebhookFormat.
    format = models.CharField(_("format"), max_length=8, default=Video.WebhookFormat.OPENAI)
    description = models.CharField(_("description"), max_length=200, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"))
    # Since when, and how often in a row, it has not accepted anything.
    failing_since = models.DateTimeField(_("failing since"), null=True)
    failures = models.PositiveIntegerField(_("failed attempts"), default=0)
    # When it was disabled because it kept failing.
    disabled_at = models.DateTimeField(_("disabled"), null=True)

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering: ClassVar = ["created_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "url"], condition=~Q(url=""), name="webhook_endpoint_url_once"
            )
        ]

    def __str__(self) -> str:
        return self.url or self.description or str(self.pk)

    @property
    def event_labels(self) -> list[str]:
        """What it wants, in words."""
        return [str(self.Event(name).label) for name in self.events]
