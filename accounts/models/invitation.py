"""Invitations: links by which somebody may open an account."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.user import User


class Invitation(models.Model):
    """A link that opens one account; written by accounts.people.invitations alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # SHA-256 of the token in the link, which is shown once.
    digest = models.CharField(max_length=64, unique=True)
    made_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    # For whom, in the words of who made it.
    note = models.CharField(_("for"), max_length=80, blank=True)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True)
    # The account that was opened; null where an address had one already.
    used_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        indexes = [models.Index(fields=["made_by", "-created_at"], name="invitation_newest")]

    def __str__(self) -> str:
        return self.note or str(self.pk)
