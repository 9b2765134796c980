"""Print a new key for push messages, as a line for `.env`."""

from typing import Any

from django.core.management.base import BaseCommand

from videos.push import keys


class Command(BaseCommand):
    help = "Print a new VAPID_PRIVATE_KEY, with which browsers can be sent push messages."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"VAPID_PRIVATE_KEY={keys.new_private_key()}")
