"""What staff call this app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Videos(AppConfig):
    name = "videos"
    verbose_name = _("Videos")
