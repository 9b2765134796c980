"""`manage.py backup --to DIR`: copy the database and the media, while everything runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.ops import backups
from config.ops.backup_keys import BackupError


class Command(BaseCommand):
    help = "Copy the database and the media into a new folder under DIR, with a manifest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to",
            type=Path,
            metavar="DIR",
            default=settings.BACKUP_DIR,
            required=settings.BACKUP_DIR is None,
        )
        parser.add_argument(
            "--with-bucket", action="store_true", help="copy the bucket's media too"
        )
        parser.add_argument("--keep", type=int, default=0, help="delete all but the newest so many")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["keep"] < 0:
            raise CommandError("--keep must be a number from 0.")
        try:
            made = backups.create_backup(
                options["to"], options["keep"], with_bucket=options["with_bucket"]
            )
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(str(made))
        if settings.S3_BUCKET and not options["with_bucket"]:
            self.stderr.write(
                f"The media in the bucket {settings.S3_BUCKET} was not copied: use --with-bucket, "
                "or the versioning of the bucket."
            )
