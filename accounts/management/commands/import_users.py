"""`manage.py import_users FILE`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.people import import_users


class Command(BaseCommand):
    help = "Open an account for every user in a users.json who has none. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = import_users.import_users(options["file"])
        except import_users.UnreadableUsersFile as error:
            raise CommandError(str(error)) from error
        for line in report.refused:
            self.stderr.write(f"Not imported: {line}")
        self.stdout.write(f"{len(report.opened)} imported, {len(report.kept)} existed already.")
