"""Credentials of open connections: sockets, streams and long polls.

Connections re-check their credential and close when its session or key was revoked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.auth.stored_credentials import (
    KeyReference,
    PageSessionReference,
    Reference,
    SessionReference,
)
from accounts.models import ApiKey, Session, User
from config.lib.realtime import broadcast


@dataclass(frozen=True)
class Credential:
    """What opened a connection, valid until `expires_at` while all of its references are kept."""

    user: User
    references: tuple[Reference, ...]
    expires_at: datetime | None = None

    def is_valid(self) -> bool:
        """Return whether it is neither expired nor revoked, by the database as it is now."""
        return bool(valid([self]))


def valid(credentials: Sequence[Credential]) -> list[Credential]:
    """Return those that are neither expired nor revoked; one or two queries for each kind."""
    now = timezone.now()
    by_kind: dict[type[Reference], set[Reference]] = {}
    for each in credentials:
        for reference in each.references:
            by_kind.setdefault(type(reference), set()).add(reference)
    kept = {found for kind, asked in by_kind.items() for found in kind.kept(asked)}
    return [
        each
        for each in credentials
        if (each.expires_at is None or now < each.expires_at) and kept.issuperset(each.references)
    ]


def credential_of_session(session: Session, expires_at: datetime) -> Credential:
    return Credential(session.user, (SessionReference(session.pk),), expires_at)


def credential_of_key(key: ApiKey, address: str) -> Credential:
    """Return the credential of a key that is used from an IP address."""
    return Credential(key.user, (KeyReference(key.pk, address),), key.expires_at)


def credential_of_cookie(user: User, session_key: str | None) -> Credential:
    """Return the credential of a page's session."""
    return Credential(user, (PageSessionReference(session_key, user.pk),))


def all_of(credentials: Sequence[Credential]) -> Credential:
    """Return one credential that is valid while all of these, of the same user, are."""
    ends = [each.expires_at for each in credentials if each.expires_at]
    references = tuple(reference for each in credentials for reference in each.references)
    return Credential(credentials[0].user, references, min(ends, default=None))


def group_of(user_id: UUID) -> str:
    """Name the channel group that asks a user's connections to re-check their credential."""
    return f"credentials.{user_id.hex}"


def recheck(user_id: UUID) -> None:
    """Have every connection of a user re-check its credential, once the transaction commits."""
    message = {"type": "credentials.changed"}
    transaction.on_commit(lambda: broadcast.send(group_of(user_id), message))
