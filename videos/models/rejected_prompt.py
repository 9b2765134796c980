"""Orders that moderation rejected."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from videos.models.search_text import SearchTextField


class RejectedPrompt(models.Model):
    """An order that moderation rejected; once overruled by staff it no longer counts."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="rejected_prompts",
        verbose_name=_("user"),
    )
    prompt = models.TextField(_("prompt"))
    search_text = SearchTextField()
    had_image = models.BooleanField(_("with an image"), default=False)
    categories = models.JSONField(_("categories"))
    overruled = models.BooleanField(_("overruled"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("rejected prompt")
        verbose_name_plural = _("rejected prompts")
        indexes = [models.Index(fields=["user", "-created_at"], name="rejected_prompt_newest")]

    def __str__(self) -> str:
        return ", ".join(self.categories)
