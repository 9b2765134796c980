"""Sign the stored videos that have no content credentials yet."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from videos.jobs import late_signing


class Command(BaseCommand):
    help = (
        "Write content credentials into stored videos that have none, and learn what their frames "
        "look like. Can be stopped and started again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=0, help="sign at most so many videos")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.CONTENT_CREDENTIALS:
            raise CommandError("Content credentials are off: CONTENT_CREDENTIALS=0.")
        signed = failed = 0
        for video, is_signed in late_signing.sign_all(options["limit"]):
            signed, failed = signed + is_signed, failed + (not is_signed)
            if not is_signed:
                self.stderr.write(f"not signed: {video.pk}")
        self.stdout.write(f"{signed} signed, {failed} not.")
        if failed:
            raise CommandError("Some videos were not signed; manage.py doctor says why.")
