"""Reports that a video should not be public."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from showcase.models.visitor_message import VisitorMessage


class AbuseReport(VisitorMessage):
    """A visitor reports a video that should not be public."""

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
        UNCLEAR = "unclear", _("Not found, or not our video")

    # The URL or id as the visitor gave it.
    subject = models.CharField(_("reported video"), max_length=500)
    reason = models.CharField(_("reason"), max_length=12, choices=Reason)
    decision = models.CharField(_("decision"), max_length=8, choices=Decision, blank=True)

    class Meta(VisitorMessage.Meta):
        verbose_name = _("abuse report")
        verbose_name_plural = _("abuse reports")

    def __str__(self) -> str:
        return f"{self.get_reason_display()}, {self.created_at:%Y-%m-%d}"
