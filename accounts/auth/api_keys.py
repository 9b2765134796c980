"""API keys: `fl_`, 30 random characters and a checksum of 6. Only a digest is stored."""

import hashlib
import re
import secrets
import string
import zlib
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import CharField, DateTimeField
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.auth import connections
from accounts.auth.errors import AddressNotAllowed, BadCredentials
from accounts.auth.key_limits import NO_LIMITS, KeyLimits, includes
from accounts.models import ApiKey, User
from config.lib.prepared_queries import PreparedQuery

PREFIX = "fl_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH, CHECKSUM_LENGTH = 30, 6
DEFAULT_SCOPES = (ApiKey.Scope.READ.value, ApiKey.Scope.GENERATE.value)
FIRST_NAME = "First key"
MAX_ACTIVE = 10
# A key in constant use is written once in this time.
LAST_USED_INTERVAL = timedelta(minutes=1)
# Most requests run it.
ACTIVE_KEY = PreparedQuery(
    lambda digest, now: (
        ApiKey.objects.active(now)
        .select_related("user")
        .filter(digest=digest, user__is_active=True)
    ),
    CharField,
    DateTimeField,
)


class TooManyKeys(Exception):
    """The user has as many active keys as the limit allows; none was made."""


def issue(
    user: User,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
    limits: KeyLimits = NO_LIMITS,
) -> tuple[ApiKey, str]:
    """Return a new key and its text, which cannot be shown again. Raises TooManyKeys."""
    text = _generate()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # so that keys are counted one at a time
        if ApiKey.objects.active().filter(user=user).count() >= MAX_ACTIVE:
            text = _("You have reached the limit of %(n)s API keys. Revoke one to create another.")
            raise TooManyKeys(text % {"n": MAX_ACTIVE})
        key = ApiKey.objects.create(
            user=user,
            name=name,
            prefix=text[:8],
            last4=text[-4:],
            digest=_digest(text),
            scopes=sorted(set(scopes)),
            expires_at=expires_at,
            credits_per_day=limits.credits_per_day,
            allowed_models=list(limits.allowed_models),
            ip_ranges=list(limits.ip_ranges),
        )
    return key, text


def change(key: ApiKey, **fields: Any) -> None:
    """Store new values of a key's name, expiry or limits; they count from the next request on.

    Connections that the key opened are closed when it may no longer be used there.
    """
    for name, value in fields.items():
        setattr(key, name, value)
    with transaction.atomic():
        key.save(update_fields=list(fields))
        connections.recheck(key.user_id)


def issue_first(user: User) -> str | None:
    """Return the text of a first key for a user who never had one, else None. Source: C02."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if ApiKey.objects.filter(user=user).exists():
            return None
        return issue(user, FIRST_NAME, list(DEFAULT_SCOPES))[1]


def find(text: str, address: str) -> ApiKey:
    """Return the active key with this text, with its active user.

    `address` is the client's IP address. Raises BadCredentials or AddressNotAllowed.
    """
    if not _is_well_formed(text):
        raise BadCredentials("Invalid API key")
    now = timezone.now()
    key = ACTIVE_KEY.first(_digest(text), now)
    if key is None:
        raise BadCredentials("Invalid API key")
    if not includes(key.ip_ranges, address):
        raise AddressNotAllowed(key)
    if key.last_used_at is None or key.last_used_at < now - LAST_USED_INTERVAL:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def revoke(key: ApiKey) -> None:
    """Revoke a key and close the connections it opened. Safe to repeat."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        connections.recheck(key.user_id)


def revoke_all(user: User) -> None:
    """Revoke every key of a user."""
    ApiKey.objects.of(user).update(revoked_at=timezone.now())
    connections.recheck(user.pk)


def _generate() -> str:
    drawn = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return drawn + _checksum(drawn)


def _checksum(drawn: str) -> str:
    """Return a CRC32 in base 62, which refuses a mistyped key without a query."""
    rest, digits = zlib.crc32(drawn.encode()), ""
    for _n in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def _is_well_formed(text: str) -> bool:
    whole = re.fullmatch(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}", text)
    return whole is not None and _checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def _digest(text: str) -> str:
    # The key holds 178 random bits, so a slow hash would add no protection.
    return hashlib.sha256(text.encode()).hexdigest()
