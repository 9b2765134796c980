"""What links for strangers have in common: signed tokens, and how long they work."""

from datetime import datetime, timedelta
from uuid import UUID

from django.core import signing
from django.db.models import Q
from django.utils import timezone

LIFETIME_DAYS = (7, 30)


class LinkNotFound(Exception):
    """The link is unknown, revoked or expired, or what it shows was deleted."""


class Tokens:
    """The signed tokens of links of one kind; those of another kind are not valid."""

    def __init__(self, salt: str) -> None:
        self._signer = signing.Signer(salt=salt, sep=".")

    def of(self, link_id: UUID) -> str:
        return self._signer.sign(link_id.hex)

    def read(self, token: str) -> UUID:
        """Return the id of a link. Raises LinkNotFound for what is no token of ours."""
        try:
            return UUID(self._signer.unsign(token))
        except (signing.BadSignature, ValueError) as error:
            raise LinkNotFound(token) from error


def read_days(text: str) -> int:
    """Return how many days a form asks for; 0, until the link is revoked, for any other text."""
    return int(text) if text in map(str, LIFETIME_DAYS) else 0


def expiry_after(days: int, now: datetime) -> datetime | None:
    """Return when a link ends that works for so many days; 0 means until it is revoked."""
    return now + timedelta(days=days) if days else None


def working() -> Q:
    """Return the condition on links that are neither revoked nor expired."""
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
