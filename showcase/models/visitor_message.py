"""What visitors write to us: the fields abuse reports and feedback share."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class VisitorMessage(models.Model):
    """A message from a visitor; staff close it and may note what they did."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("user"),
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
