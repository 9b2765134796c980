"""`manage.py makemigrations`: Django's own, which no reworded label makes write a migration."""

from django.core.management.commands import makemigrations

from config.ops.migrations import Autodetector


class Command(makemigrations.Command):
    autodetector = Autodetector
