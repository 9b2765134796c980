"""`manage.py restore_drill`: restore a backup on trial, beside the installation, and report."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.ops import backups, drills
from config.ops.backup_keys import BackupError


class Command(BaseCommand):
    help = "Restore a backup on trial, audit it, and print a report; exit with 1 when it fails."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", type=Path, nargs="?", help="by default the newest one")
        parser.add_argument("--from", type=Path, dest="folder", default=settings.BACKUP_DIR)
        parser.add_argument(
            "--database-url", default="", help="an empty database, for a backup of PostgreSQL"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["backup"] and options["folder"] is None:
            raise CommandError("Name a backup, or the folder of backups with --from or BACKUP_DIR.")
        try:
            backup: Path = options["backup"] or backups.newest(options["folder"])
            report = drills.run_drill(backup, options["database_url"])
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(asdict(report), indent=1))
        if not report.passed:
            raise CommandError(f"The backup {report.backup} could not be restored.")
