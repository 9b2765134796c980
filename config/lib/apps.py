"""The app of the tables that all apps share."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LibConfig(AppConfig):
    name = "config.lib"
    label = "lib"
    verbose_name = _("Operations")
