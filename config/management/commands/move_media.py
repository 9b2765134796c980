"""`manage.py move_media bucket|folder`: copy the media there and verify it, while all runs."""

from argparse import ArgumentParser
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.environment import buckets
from config.ops.media_moves import Move
from config.ops.media_places import Bucket, Folder

WORDS = {
    "copied": "copied",
    "there": "were there",
    "gone": "were deleted by users meanwhile",
    "kept": "differ from those in use, which stay",
    "broken": "could not be read back whole: run the command again",
    "deleted": "deleted at the source",
}


class Command(BaseCommand):
    help = "Copy the media from the folder into the bucket, or back, and verify every copy."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("to", choices=["bucket", "folder"])
        parser.add_argument("--bucket", default=settings.S3_BUCKET, help="before S3_BUCKET is set")
        parser.add_argument(
            "--delete-source", action="store_true", help="then delete what is proven equal"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not (name := options["bucket"]):
            raise CommandError("Name the bucket with --bucket or S3_BUCKET.")
        to_bucket = options["to"] == "bucket"
        in_use = name == settings.S3_BUCKET if to_bucket else not settings.S3_BUCKET
        if options["delete_source"] and not in_use:
            raise CommandError(
                f"The site still uses the source: {_switch(name, to_bucket)}, restart every "
                "process, run the command again, and only then with --delete-source."
            )
        folder, bucket = Folder(settings.MEDIA_ROOT), Bucket(buckets.read_options(name))
        journal = settings.DATA_DIR / f"media-moved-to-{options['to']}-{name}.jsonl"
        try:
            outcome = Move(
                folder if to_bucket else bucket,
                bucket if to_bucket else folder,
                journal,
                in_use,
                options["delete_source"],
            ).run()
        except (BotoCoreError, ClientError, OSError) as error:
            raise CommandError(
                f"The move was broken off; run it again to go on: {error}"
            ) from error
        for fate, words in WORDS.items():
            if names := getattr(outcome, fate):
                shown = f": {', '.join(names[:20])}" if fate in ("kept", "broken") else ""
                self.stdout.write(f"{len(names)} {words}{shown}")
        if outcome.broken:
            raise CommandError("Not every copy is equal.")
        if not in_use:
            self.stdout.write(
                f"Now {_switch(name, to_bucket)}, restart every process, and run this again for "
                "what arrived meanwhile."
            )


def _switch(name: str, to_bucket: bool) -> str:
    return f"set S3_BUCKET={name}" if to_bucket else "remove S3_BUCKET (keep the rest)"
