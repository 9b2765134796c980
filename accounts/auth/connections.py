"""Whether an open connection may stay open, and the word that it may not."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import ApiKey, Session, User
from config.lib import broadcast

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pass:
    """What a connection was let in with; `until` is when that ends by itself."""

    user: User
    holds: Callable[[], bool]
    until: datetime | None = None

    @property
    def is_good(self) -> bool:
        """Asked of the database, now."""
        return (self.until is None or timezone.now() < self.until) and self.holds()


def by_session(session: Session, until: datetime) -> Pass:
    rows = Session.objects.filter(pk=session.pk, revoked_at=None, user__is_active=True)
    return Pass(session.user, lambda: rows.all().exists(), until)


def by_key(key: ApiKey) -> Pass:
    rows = ApiKey.objects.filter(pk=key.pk, revoked_at=None, user__is_active=True)
    return Pass(key.user, lambda: rows.all().exists(), key.expires_at)


def by_cookie(user: User, session_key: str | None) -> Pass:
    """The pages' session; it also ends with a change of the password."""
    store = import_module(settings.SESSION_ENGINE).SessionStore

    def holds() -> bool:
        request = HttpRequest()
        request.session = store(session_key)
        return bool(auth.get_user(request).pk == user.pk)

    return Pass(user, holds)


def group_of(user_id: UUID) -> str:
    """The channel group of a user's connections that want to know when they must end."""
    return f"standing.{user_id.hex}"


def changed(user_id: UUID) -> None:
    """Have every connection of this user look again, once the transaction commits."""
    transaction.on_commit(lambda: broadcast.send(group_of(user_id), {"type": "standing.changed"}))
