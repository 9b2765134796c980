"""`manage.py export_account USERNAME FILE`."""

import zipfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from videos.account import data_export


class Command(BaseCommand):
    help = "Write everything of one user into a ZIP, with the files of the videos."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']}.")
        target: Path = options["file"]
        part = target.with_name(f"{target.name}.part")
        try:
            part.touch(mode=0o600)  # everything about a user is in it
            with part.open("wb") as file:
                data_export.write_zip(user, file)
            with zipfile.ZipFile(part, "a", zipfile.ZIP_STORED) as archive:
                count = data_export.add_files(user, archive)
            part.replace(target)
        except OSError as error:
            raise CommandError(str(error)) from error
        finally:
            part.unlink(missing_ok=True)
        self.stdout.write(f"{target}: {count} videos")
