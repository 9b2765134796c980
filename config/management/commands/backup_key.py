"""`manage.py backup_key`: print a new key for encrypted backups."""

from typing import Any

from django.core.management.base import BaseCommand

from config.ops import backup_keys


class Command(BaseCommand):
    help = "Print a new pair of keys for backups, in the form of age-keygen."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        key = backup_keys.generate()
        self.stdout.write(f"# public key: {key.recipient}\n{key.identity}")
