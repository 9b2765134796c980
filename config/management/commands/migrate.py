"""`manage.py migrate`: Django's own, which does not ask for a migration of a reworded label."""

from django.core.management.commands import migrate

from config.ops.migrations import Autodetector


class Command(migrate.Command):
    autodetector = Autodetector
