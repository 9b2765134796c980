"""The project as an app: production checks, and the admin site."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class FirstlightConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        import_module("config.ops.checks")


class StaffAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "config.admin_site.StaffSite"
