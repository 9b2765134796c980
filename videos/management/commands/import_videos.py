"""`manage.py import_videos USERNAME PATH`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from videos.account.bundles import importing, reading


class Command(BaseCommand):
    help = "Bring in the videos of a data export or of a folder of MP4s. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("path", type=Path, help="export.zip, or a folder with MP4s")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['username']}.")
        report = importing.ImportReport()
        try:
            with reading.open_bundle(options["path"]) as bundle:
                for report in importing.import_bundle(user, bundle):
                    self._show(report)
        except reading.UnreadableBundle as error:
            raise CommandError(str(error)) from error
        for line in report.refused:
            self.stderr.write(f"Not imported: {line}")
        self.stdout.write(f"{report.imported} imported, {report.kept} were there already.")

    def _show(self, report: importing.ImportReport) -> None:
        done = report.imported + report.kept + len(report.refused)
        if done % 100 == 0 and done:
            self.stdout.write(f"{done} ...")
