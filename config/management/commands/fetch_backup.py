"""`manage.py fetch_backup --to DIR`: bring a backup from the bucket, to restore it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.ops.backup_bucket import BackupBucket
from config.ops.backup_keys import BackupError


class Command(BaseCommand):
    help = "Bring a backup from BACKUP_S3_BUCKET into DIR, every file verified."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="such as 20261121T031500Z; else the newest")
        parser.add_argument("--list", action="store_true", help="only name the backups there")
        parser.add_argument("--to", type=Path, metavar="DIR", default=settings.BACKUP_DIR)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BACKUP_S3_BUCKET:
            raise CommandError("Name the bucket in BACKUP_S3_BUCKET.")
        try:
            bucket = BackupBucket()
            names = bucket.names()
            if options["list"]:
                self.stdout.write("\n".join(names))
                return
            if not names:
                raise CommandError("There is no backup in the bucket.")
            if options["to"] is None:
                raise CommandError("Name the folder with --to or BACKUP_DIR.")
            made = bucket.fetch(options["name"] or names[-1], options["to"])
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(str(made))
