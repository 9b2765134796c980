"""`manage.py restore BACKUP`: restore a backup, or with --check only verify it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.ops import backups
from config.ops.backup_keys import BackupError


class Command(BaseCommand):
    help = "Restore a backup into an empty database."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", type=Path)
        parser.add_argument("--check", action="store_true", help="only verify the backup")

    def handle(self, *args: Any, **options: Any) -> None:
        backup: Path = options["backup"]
        if options["check"]:
            if found := backups.find_problems(backup):
                raise CommandError("\n".join(found))
            self.stdout.write("The backup is complete.")
            if not backups.can_read(backup):
                self.stderr.write(
                    "It is encrypted. Its database was not looked at: that needs the secret key."
                )
            return
        try:
            files = backups.restore_backup(backup)
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored, with {files} media files.")
