"""Show who signs the files of videos, and make a key of our own where there is none."""

from typing import Any

from cryptography import x509
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from videos.credentials import identity, own_identity

UNTRUSTED = (
    "Viewers call our own certificate untrusted: nobody else vouches for it. For one that viewers\n"
    "trust, set C2PA_CERTIFICATE, and C2PA_PRIVATE_KEY or C2PA_SIGNING_URL."
)


class Command(BaseCommand):
    help = "Print who signs content credentials; make a key and a certificate if there are none."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            who = identity.current()
        except identity.NoIdentity as error:
            raise CommandError(str(error)) from error
        certificate = x509.load_pem_x509_certificates(who.chain.encode())[0]
        source = own_identity.path() if who.is_own else "C2PA_CERTIFICATE"
        by = settings.C2PA_SIGNING_URL if who.service else "a private key"
        ends = certificate.not_valid_after_utc
        self.stdout.write(f"Content credentials: {'on' if settings.CONTENT_CREDENTIALS else 'off'}")
        self.stdout.write(f"Certificate: {who.name}, from {source}, valid until {ends:%Y-%m-%d}")
        self.stdout.write(f"Signs with: {who.algorithm}, {by}")
        if who.is_own:
            self.stdout.write(UNTRUSTED)
