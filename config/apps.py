"""Registers the production checks once every model is loaded, and the staff side's own site."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class Config(AppConfig):
    name = "config"

    def ready(self) -> None:
        import_module("config.ops.checks")


class Staff(admin_apps.AdminConfig):
    default = False
    default_site = "config.admin_site.StaffSite"
