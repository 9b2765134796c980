"""Idempotency keys: keep the result of a request for 24 hours and return it again for the same key.

A client names a request with the header `Idempotency-Key`, a page with the hidden `token` of its
form. The key is stored in the transaction that makes the result, so no crash comes between the two,
and of many equal requests at the same time one is carried out and the others get its result.

    outcome = idempotency.run(request_key, make)    in the interface: look the key up, then `make`
    idempotency.record(request_key, result)         in `make`: inside the transaction of the result

A key belongs to its user. Without a key (None) every request is a new one. A client that counts its
attempts instead of sending a key has an `AttemptKey`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from config.lib import batches
from config.lib.models import IdempotencyKey

T = TypeVar("T", bound=models.Model)
Actor = AbstractBaseUser | AnonymousUser  # as `request.user` is typed; always signed in here

HEADER = "Idempotency-Key"
# Stands on every answer that was given before.
REPLAYED = {"Idempotent-Replayed": "true"}
LIFETIME = timedelta(hours=24)
# For how long the repeated attempt of a client that sends no key gets the result of an earlier one.
ATTEMPTS_LIFETIME = timedelta(minutes=15)
MAX_ATTEMPTS = 32_767
MAX_LENGTH = 255


class BadIdempotencyKey(Exception):
    """The header is there and is not 1 to 255 printable ASCII characters."""


class IdempotencyMismatch(Exception):
    """The key was used for another request; nothing was done."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request.")


class AlreadyDone(Exception):
    """The same request was carried out before; `result` is the row it made."""

    def __init__(self, result: models.Model) -> None:
        self.result = result
        super().__init__(str(result.pk))


@dataclass(frozen=True)
class RequestKey:
    """The key of a user's request, and the fingerprint of what it asks for."""

    user_id: UUID
    key: str
    fingerprint: str
    attempt: int = 0

    def is_over(self, row: IdempotencyKey) -> bool:
        """Return whether the result of the stored key no longer answers this request."""
        return row.created_at <= timezone.now() - LIFETIME


@dataclass(frozen=True)
class AttemptKey(RequestKey):
    """The key of a request whose client says which attempt this is, from 0, but sends no key.

    A repeated attempt gets the newest result of an equal request. A first one is a new request,
    unless its own repetition was faster: that one came later and was carried out before, while this
    one still waited for its body or for a thread.
    """

    arrived_at: datetime = field(default_factory=timezone.now)

    def is_over(self, row: IdempotencyKey) -> bool:
        if self.attempt:
            return row.created_at <= self.arrived_at - ATTEMPTS_LIFETIME
        return row.attempt == 0 or row.created_at <= self.arrived_at


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """The result of a request; `is_replay` when an equal request had made it before."""

    result: T
    is_replay: bool

    @property
    def headers(self) -> dict[str, str]:
        return REPLAYED if self.is_replay else {}


def read_key(headers: Mapping[str, str]) -> str:
    """The request's key; empty when it has none. Raises BadIdempotencyKey."""
    if HEADER not in headers:
        return ""
    key = headers[HEADER].strip(" \t")
    if not (0 < len(key) <= MAX_LENGTH and key.isascii() and key.isprintable()):
        raise BadIdempotencyKey(f"{HEADER} must be 1 to {MAX_LENGTH} printable ASCII characters.")
    return key


def key_of_headers(user: Actor, headers: Mapping[str, str], *asked: Any) -> RequestKey | None:
    """The key of an API request that asks for `asked`; None without one. Raises BadIdempotencyKey.

    `asked` names the method and the path too, so that a key counts for one address.
    """
    key = read_key(headers)
    return RequestKey(_id_of(user), key, fingerprint(asked)) if key else None


def key_of_attempt(
    user: Actor, attempt: int, *asked: Any, arrived_at: datetime | None = None
) -> AttemptKey:
    """The key of a request that asks for `asked` and whose client counts its attempts from 0."""
    found = fingerprint(asked)
    return AttemptKey(
        _id_of(user),
        f"attempt {found}",
        found,
        min(attempt, MAX_ATTEMPTS),
        arrived_at or timezone.now(),
    )


def key_of_form(user: Actor, action: str, token: object, *asked: Any) -> RequestKey | None:
    """The key of a form for `action` that was sent with this hidden token; None without a token."""
    key = f"form {action} {token}"[:MAX_LENGTH]
    return RequestKey(_id_of(user), key, fingerprint(asked)) if token else None


def _id_of(user: Actor) -> UUID:
    return cast("UUID", user.pk)


def fingerprint(data: Any) -> str:
    """The same 64 characters for the same data, whatever the order of its keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    """A file by its name and content, any other value as text."""
    if not isinstance(value, UploadedFile):
        return str(value)
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, digest.hexdigest()]


def run(request_key: RequestKey | None, make: Callable[[], T]) -> Outcome[T]:
    """Carry out a request, or return what the same request made before.

    `make` calls `record` in the transaction of its result. Raises IdempotencyMismatch, or what
    `make` raises; then nothing is kept of the key.
    """
    try:
        check(request_key)
        return Outcome(make(), is_replay=False)
    except AlreadyDone as done:
        return Outcome(cast("T", done.result), is_replay=True)


def check(request_key: RequestKey | None) -> None:
    """Return when the key is new or there is none.

    Raises AlreadyDone, or IdempotencyMismatch when another request used the key.
    """
    if request_key is None:
        return
    rows = IdempotencyKey.objects.filter(user_id=request_key.user_id, key=request_key.key)
    row = rows.first()
    if row is None:
        return
    result = _result_of(row)
    if result is None or request_key.is_over(row):
        IdempotencyKey.objects.filter(pk=row.pk).delete()
        return
    if row.fingerprint != request_key.fingerprint:
        raise IdempotencyMismatch
    raise AlreadyDone(result)


def record(request_key: RequestKey | None, result: models.Model) -> None:
    """Store the key with the result, which may be unsaved, in the caller's open transaction.

    Raises AlreadyDone or IdempotencyMismatch when another request was faster; the caller's
    transaction must then be rolled back.
    """
    if request_key is None:
        return
    try:
        with transaction.atomic():
            _insert(request_key, result)
    except IntegrityError:
        check(request_key)
        _insert(request_key, result)  # the key was there, but is no longer kept


def forget(request_key: RequestKey, result: models.Model) -> None:
    """Delete the key while this is its result, so that the same request is carried out anew."""
    IdempotencyKey.objects.filter(
        user_id=request_key.user_id, key=request_key.key, result_id=str(result.pk)
    ).delete()


def delete_expired() -> None:
    """Delete the keys that are older than 24 hours."""
    batches.delete(IdempotencyKey.objects.filter(created_at__lte=timezone.now() - LIFETIME))


def _insert(request_key: RequestKey, result: models.Model) -> None:
    IdempotencyKey.objects.create(
        user_id=request_key.user_id,
        key=request_key.key,
        fingerprint=request_key.fingerprint,
        result_type=result._meta.label_lower,
        result_id=str(result.pk),
        attempt=request_key.attempt,
        created_at=timezone.now(),
    )


def _result_of(row: IdempotencyKey) -> models.Model | None:
    """The row that the request made, as it stands now; None when it was deleted."""
    rows: models.Manager[models.Model] = apps.get_model(row.result_type)._base_manager
    return rows.filter(pk=row.result_id).first()
