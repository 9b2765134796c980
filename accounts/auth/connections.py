"""Credentials of open WebSocket connections.

Connections re-check their credential and close when its session or key was revoked.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.auth.key_limits import includes
from accounts.models import ApiKey, Session, User
from config.lib.realtime import broadcast

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Credential:
    """What opened a connection: a session, an API key or a cookie, valid until `expires_at`."""

    user: User
    is_kept: Callable[[], bool]  # asks the database whether it was revoked
    expires_at: datetime | None = None

    def is_valid(self) -> bool:
        """Return whether it is neither expired nor revoked, by the database as it is now."""
        expired = self.expires_at is not None and timezone.now() >= self.expires_at
        return not expired and self.is_kept()


def credential_of_session(session: Session, expires_at: datetime) -> Credential:
    rows = Session.objects.filter(pk=session.pk, revoked_at=None, user__is_active=True)
    return Credential(session.user, lambda: rows.all().exists(), expires_at)


def credential_of_key(key: ApiKey, address: str) -> Credential:
    """Return the credential of a key used from an IP address; its limits may change later."""

    def is_kept() -> bool:
        rows = ApiKey.objects.active().filter(pk=key.pk, user__is_active=True)
        ranges = rows.values_list("ip_ranges", flat=True).first()
        return ranges is not None and includes(ranges, address)

    return Credential(key.user, is_kept, key.expires_at)


def credential_of_cookie(user: User, session_key: str | None) -> Credential:
    """Return the credential of a page's session; a change of the password ends it too."""
    return Credential(user, lambda: bool(user_of_cookie(session_key).pk == user.pk))


def all_of(credentials: Sequence[Credential]) -> Credential:
    """Return one credential that is valid while all of these, of the same user, are."""
    first, *others = credentials
    if not others:
        return first
    ends = [one.expires_at for one in credentials if one.expires_at]
    return Credential(
        first.user, lambda: all(one.is_kept() for one in credentials), min(ends, default=None)
    )


def user_of_cookie(session_key: str | None) -> AbstractBaseUser | AnonymousUser:
    """Return the user who is signed in with this session of a page, or an anonymous one."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return auth.get_user(request)


def group_of(user_id: UUID) -> str:
    """Name the channel group that asks a user's connections to re-check their credential."""
    return f"credentials.{user_id.hex}"


def recheck(user_id: UUID) -> None:
    """Have every connection of a user re-check its credential, once the transaction commits."""
    message = {"type": "credentials.changed"}
    transaction.on_commit(lambda: broadcast.send(group_of(user_id), message))
