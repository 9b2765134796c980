"""What staff call this app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class Billing(AppConfig):
    name = "billing"
    verbose_name = _("Money")

    def ready(self) -> None:
        autodiscover_modules("payments_admin")
