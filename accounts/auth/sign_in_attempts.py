"""Count failed passwords per account: RATE_AUTH_FAILURES of them, then the account has to wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db.models import Q

from accounts.models import User
from config.lib import rate_limits
from config.lib.rate_limits import Rate


@dataclass
class Attempt:
    """One try of a password; the caller sets `succeeded`."""

    succeeded: bool = False


@contextmanager
def count_attempt(account: str) -> Iterator[Attempt]:
    """Count a try before it is made, and clear the counter when it succeeded.

    Raises TooManyAttempts before the password is hashed.
    """
    key, attempt = f"failures:{account}", Attempt()
    rate_limits.check(key, Rate(*settings.RATE_AUTH_FAILURES))
    yield attempt
    if attempt.succeeded:
        rate_limits.clear(key)


def account_of(credentials: dict[str, Any]) -> str:
    """Name the account that is tried: the user's id, or a digest of a name that nobody has."""
    name = str(credentials.get("username") or credentials.get("email") or "").lower()
    rows = User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name))
    found = rows.values_list("pk", flat=True).first() if settings.RATE_AUTH_FAILURES[0] else None
    return found.hex if found else sha256(name.encode()).hexdigest()
