"""The public page of a user whose clips are in the showcase."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Maker(models.Model):
    """What a user shows beside clips: the display name, and a page; only while `is_public`."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="maker", verbose_name=_("user")
    )
    slug = models.SlugField(_("name in the address"), max_length=48, unique=True)
    about = models.CharField(_("about"), max_length=300, blank=True)
    is_public = models.BooleanField(_("public"), default=False)

    class Meta:
        verbose_name = _("maker")
        verbose_name_plural = _("makers")

    def __str__(self) -> str:
        return self.slug
