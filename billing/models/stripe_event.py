"""A Stripe event: stored when it arrives, before it is processed."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class StripeEvent(models.Model):
    """One event from Stripe whose signature was verified."""

    class State(models.TextChoices):
        NEW = "new", _("New")
        DONE = "done", _("Done")
        UNMATCHED = "unmatched", _("Waiting for its payment")
        IGNORED = "ignored", _("Not needed")
        REVIEW = "review", _("Needs staff")
        ERROR = "error", _("Failed")

    id = models.CharField(primary_key=True, max_length=255)
    type = models.CharField(_("type"), max_length=80)
    created_at = models.DateTimeField(_("created"))
    received_at = models.DateTimeField(_("received"))
    live = models.BooleanField(_("live mode"))
    api_version = models.CharField(max_length=40, blank=True)
    # The payment intent of its object, to find the events that wait for their payment.
    payment_intent = models.CharField(
        _("payment intent"), max_length=255, blank=True, db_index=True
    )
    object = models.JSONField(_("content"))
    state = models.CharField(
        _("state"), max_length=12, choices=State, default=State.NEW, db_index=True
    )
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("payment event")
        verbose_name_plural = _("payment events")

    def __str__(self) -> str:
        return f"{self.type} {self.state}"
