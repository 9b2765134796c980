"""The app that holds the tables every app shares."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Lib(AppConfig):
    name = "config.lib"
    label = "lib"
    verbose_name = _("Operations")
