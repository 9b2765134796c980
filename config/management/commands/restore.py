"""`manage.py restore COPY`: bring a copy back, or with --check only prove that it could be."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.ops import backups


class Command(BaseCommand):
    help = "Bring a copy made by backup back into an empty database."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("copy", type=Path)
        parser.add_argument("--check", action="store_true", help="change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        copy: Path = options["copy"]
        if options["check"]:
            if found := backups.find_problems(copy):
                raise CommandError("\n".join(found))
            self.stdout.write("The copy is whole.")
            return
        try:
            files = backups.restore_backup(copy)
        except (backups.BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored, with {files} media files.")
