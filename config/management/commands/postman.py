"""`manage.py postman`: write docs/firstlight.postman_collection.json anew from the API's schema."""

from typing import Any

from django.core.management.base import BaseCommand

from config.ops.postman import collection


class Command(BaseCommand):
    help = "Write the Postman collection from the API's schema and config/ops/postman/walk.json."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"wrote {collection.write()}")
