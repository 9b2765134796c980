"""Models that staff paused."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PausedModel(models.Model):
    """A model that takes no new orders while this row exists; the sentence is shown to users."""

    model = models.CharField(_("model"), max_length=64, unique=True)
    sentence = models.CharField(
        _("sentence to users"),
        max_length=200,
        help_text=_("Shown where users choose the model, and the answer to orders of it."),
    )
    paused_at = models.DateTimeField(_("paused at"), auto_now_add=True)

    class Meta:
        verbose_name = _("paused model")
        verbose_name_plural = _("paused models")
        ordering = ("model",)

    def __str__(self) -> str:
        return self.model
