"""Gather what the templates and the code say into the catalogues of all languages."""

from typing import Any

from django.core.management.base import BaseCommand

from config.ops import translations


class Command(BaseCommand):
    help = "Bring every locale/*/LC_MESSAGES/django.po up to date, and compile it."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        for language in translations.languages():
            written = translations.write_catalogue(language)
            open_ones = len(written.untranslated_entries())
            self.stdout.write(f"{language}: {len(written)} messages, {open_ones} not translated")
