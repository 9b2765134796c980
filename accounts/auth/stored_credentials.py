"""References to stored credentials: sessions, API keys and page sessions.

Each kind says for many references at once which of them still count, so that a few queries check
the credentials of thousands of open connections.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.auth.key_limits import includes
from accounts.models import ApiKey, Session, User

# The page sessions and passwords whose contents are remembered; they are never changed, only
# replaced.
REMEMBERED = 16_384


class Reference(ABC):
    """What the database has to be asked for to know whether a credential still counts."""

    @classmethod
    @abstractmethod
    def kept(cls, references: Collection[Self]) -> set[Self]:
        """Return those that were not revoked and whose user is active."""


@dataclass(frozen=True)
class RowReference(Reference):
    """A row that counts by itself, whoever uses it and from wherever."""

    id: Any

    @classmethod
    @abstractmethod
    def active(cls) -> "QuerySet[Any]":
        """Return all rows that were not revoked and whose user is active."""

    @classmethod
    def kept(cls, references: Collection[Self]) -> set[Self]:
        rows = cls.active().filter(pk__in=[each.id for each in references])
        return {cls(pk) for pk in rows.values_list("pk", flat=True)}


@dataclass(frozen=True)
class SessionReference(RowReference):
    """A sign-in over the API."""

    @classmethod
    def active(cls) -> QuerySet[Session]:
        return Session.objects.filter(revoked_at=None, user__is_active=True)


@dataclass(frozen=True)
class KeyReference(Reference):
    """A key that is used from an IP address; its limits may change later."""

    id: UUID
    address: str

    @classmethod
    def kept(cls, references: Collection[Self]) -> set[Self]:
        ids = {each.id for each in references}
        rows = ApiKey.objects.active().filter(pk__in=ids, user__is_active=True)
        ranges = dict(rows.values_list("pk", "ip_ranges"))
        return {
            each
            for each in references
            if each.id in ranges and includes(ranges[each.id], each.address)
        }


@dataclass(frozen=True)
class PageSessionReference(Reference):
    """The session of a user's page; a change of the password ends it too."""

    key: str | None
    user_id: UUID

    @classmethod
    def kept(cls, references: Collection[Self]) -> set[Self]:
        signed_in = _users_by_key([each.key for each in references if each.key])
        return {each for each in references if signed_in.get(each.key) == each.user_id}


def user_of_cookie(session_key: str | None) -> AbstractBaseUser | AnonymousUser:
    """Return the user who is signed in with this session of a page, or an anonymous one."""
    request = HttpRequest()
    request.session = _store()(session_key)
    return auth.get_user(request)


def _users_by_key(keys: Collection[str]) -> dict[str | None, UUID]:
    """Return the active users who are signed in with these page sessions, with two queries."""
    rows = (
        _store()
        .get_model_class()
        .objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    )
    found = {
        key: _user_and_hash(data) for key, data in rows.values_list("session_key", "session_data")
    }
    users = {
        str(pk): (pk, _password_hash(password))
        for pk, password in User.objects.filter(
            pk__in={user for user, _hash in found.values() if user}, is_active=True
        ).values_list("pk", "password")
    }
    return {
        key: users[user][0]
        for key, (user, known) in found.items()
        if user in users and users[user][1] == known
    }


def _store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


@lru_cache(REMEMBERED)
def _user_and_hash(session_data: str) -> tuple[str, str]:
    """Return who is signed in by the contents of a page session, and the hash of their password."""
    data = _store()().decode(session_data)
    return data.get(auth.SESSION_KEY, ""), data.get(auth.HASH_SESSION_KEY, "")


@lru_cache(REMEMBERED)
def _password_hash(password: str) -> str:
    return User(password=password).get_session_auth_hash()
