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
        parser.add_argument(
            "--keep-sent", type=int, metavar="KEEP", help="the same in the bucket, if it differs"
        )
        parser.add_argument(
            "--only-send", action="store_true", help="make none: send the newest one again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        keep_sent = options["keep"] if options["keep_sent"] is None else options["keep_sent"]
        if options["keep"] < 0 or keep_sent < 0:
            raise CommandError("--keep must be a number from 0.")
        if options["only_send"] and not settings.BACKUP_S3_BUCKET:
            raise CommandError("Name the bucket in BACKUP_S3_BUCKET.")
        try:
            made = backups.newest(options["to"]) if options["only_send"] else self._made(options)
            self.stdout.write(str(made))
            if settings.BACKUP_S3_BUCKET:
                self._send(made, keep_sent)
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        if settings.S3_BUCKET and not options["with_bucket"]:
            self.stderr.write(
                f"The media in the bucket {settings.S3_BUCKET} was not copied: use --with-bucket, "
                "or the versioning of the bucket."
            )

    def _made(self, options: dict[str, Any]) -> Path:
        return backups.create_backup(
            options["to"], options["keep"], with_bucket=options["with_bucket"]
        )

    def _send(self, made: Path, keep: int) -> None:
        from config.ops.backup_bucket import BackupBucket  # noqa: PLC0415 - slow, only here

        sent = BackupBucket().send(made, keep)
        self.stderr.write(f"Sent to the bucket {settings.BACKUP_S3_BUCKET}: {sent} new files.")
