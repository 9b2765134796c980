"""What staff call this app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Showcase(AppConfig):
    name = "showcase"
    verbose_name = _("Showcase")
