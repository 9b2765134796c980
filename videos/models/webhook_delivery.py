"""Webhooks to clients and how their delivery stands."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from videos.models.video import Video
from videos.models.webhook_endpoint import WebhookEndpoint


class WebhookDelivery(models.Model):
    """One webhook to a client: the news that a video ended."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        # The address is one that webhooks must not go to, such as a private network.
        BLOCKED = "blocked", _("Address not allowed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="deliveries",
        verbose_name=_("user"),
    )
    video = models.ForeignKey(
        Video, models.CASCADE, related_name="deliveries", verbose_name=_("video")
    )
    # None for the `webhook_url` of the order.
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        models.CASCADE,
        null=True,
        related_name="deliveries",
        verbose_name=_("endpoint"),
    )
    # "" when its client pulls it.
    url = models.CharField(_("address"), max_length=2048, blank=True)
    # The host in `url`; deliveries share their turns by user and by host.
    host = models.CharField(max_length=255, default="")
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(_("attempts"), default=0)
    # The queue: `next_try_at` is the due time, or the end of the lease while a worker holds the
    # row; `lease` is the token of that worker. A pending row without a due time is not pushed.
    next_try_at = models.DateTimeField(_("next attempt"), null=True)
    lease = models.UUIDField(null=True)
    created_at = models.DateTimeField(_("created"))
    # When the current round of attempts began; a redelivery starts a new round.
    round_started_at = models.DateTimeField()
    delivered_at = models.DateTimeField(_("delivered"), null=True)
    # When its client fetched and acknowledged it.
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        indexes = [
            models.Index(
                fields=["user", "next_try_at"],
                condition=Q(next_try_at__isnull=False),
                name="delivery_due_of_user",
            ),
            models.Index(fields=["user", "-created_at"], name="delivery_newest"),
            models.Index(
                fields=["user", "created_at"],
                condition=~Q(state="delivered"),
                name="delivery_undelivered",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["video"], condition=Q(endpoint=None), name="delivery_of_order_once"
            ),
            models.UniqueConstraint(fields=["video", "endpoint"], name="delivery_to_endpoint_once"),
        ]

    def __str__(self) -> str:
        return f"{self.url} {self.state}"
