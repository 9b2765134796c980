"""Registers the production checks once every model is loaded."""

from importlib import import_module

from django.apps import AppConfig


class Config(AppConfig):
    name = "config"

    def ready(self) -> None:
        import_module("config.checks")
