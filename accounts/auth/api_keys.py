"""API keys: `fl_`, 30 random characters and 6 that check them. Only a digest is ever kept."""

import hashlib
import re
import secrets
import string
import zlib
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.auth import connections
from accounts.auth.tokens import BadCredentials
from accounts.models import ApiKey, User

PREFIX = "fl_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM, CHECK = 30, 6
MAX_LIVING = 10
# A key that is used all the time is not written all the time.
USED_EVERY = timedelta(minutes=1)


class TooManyKeys(Exception):
    """The user has as many living keys as anybody may have; none was made."""


def issue(
    user: User, name: str, scopes: list[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key and its text, which nobody will see again. Raises TooManyKeys."""
    text = _draw()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # keys are counted one after another
        if ApiKey.objects.living().filter(user=user).count() >= MAX_LIVING:
            text = _("You have %(n)s API keys. Revoke one that is not used.")
            raise TooManyKeys(text % {"n": MAX_LIVING})
        key = ApiKey.objects.create(
            user=user,
            name=name,
            prefix=text[:8],
            last4=text[-4:],
            digest=_digest(text),
            scopes=sorted(set(scopes)),
            expires_at=expires_at,
        )
    return key, text


def find(text: str) -> ApiKey:
    """The living key, with its active user, that this is the text of. Raises BadCredentials."""
    if not _is_whole(text):
        raise BadCredentials("Invalid API key")
    rows = ApiKey.objects.living().select_related("user")
    key = rows.filter(digest=_digest(text), user__is_active=True).first()
    if key is None:
        raise BadCredentials("Invalid API key")
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def revoke(key: ApiKey) -> None:
    """End a key at once, and every socket it opened; safe to repeat."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        connections.changed(key.user_id)


def revoke_all(user: User) -> None:
    """End every key of a user."""
    ApiKey.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    connections.changed(user.pk)


def _draw() -> str:
    drawn = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
    return drawn + _check(drawn)


def _check(drawn: str) -> str:
    """CRC32 in base 62: a mistyped key is refused without asking the database."""
    rest, digits = zlib.crc32(drawn.encode()), ""
    for _n in range(CHECK):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def _is_whole(text: str) -> bool:
    whole = re.fullmatch(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM + CHECK}}}", text)
    return whole is not None and _check(text[:-CHECK]) == text[-CHECK:]


def _digest(text: str) -> str:
    # The key is 178 random bits: a slow hash would protect nothing.
    return hashlib.sha256(text.encode()).hexdigest()
