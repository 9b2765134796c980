"""The app of users, sign-in and API keys."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class Accounts(AppConfig):
    name = "accounts"
    verbose_name = _("Users")

    def ready(self) -> None:
        import_module("accounts.people.known_addresses")
