"""Opening an account: the user and the welcome credits, in one transaction."""

import re

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.people import languages
from billing.ledger import credits

USERNAME = re.compile(r"[\w.@+-]+")


def is_username_allowed(name: str, address: str) -> bool:
    """Return whether this username is not an e-mail address, or is the user's own address."""
    return "@" not in name or name.lower() == address.lower()


def open_account(username: str, email: str, password: str | None, **fields: object) -> User:
    """Create a user who can sign in, with the welcome credits.

    Without a `password` the account has none. The language is the one of the request, unless
    `fields` name another. Raises IntegrityError for a username or address that is taken; then
    nothing is written.
    """
    fields.setdefault("language", languages.current_language())
    with transaction.atomic():
        user = User.objects.create_user(username, email, password, **fields)
        grant_welcome_credits(user)
    return user


def grant_welcome_credits(user: User) -> None:
    """Grant the welcome credits, once per user."""
    if settings.WELCOME_CREDITS:
        credits.grant(
            user,
            settings.WELCOME_CREDITS,
            credits.Kind.BONUS,
            f"signup:{user.pk}",
            expires_at=timezone.now() + settings.BONUS_LIFETIME,
            purpose=credits.Purpose("signup", str(user.pk), "Welcome credits"),
        )


def get_or_open_test_user(email: str) -> User:
    """Return the test user of this address; open the account when there is none.

    Raises PermissionDenied when the address is a real account's.
    """
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        try:
            user = open_account(email, email, None, is_test=True)
        except IntegrityError:  # another request was faster, or a username is this address
            user = User.objects.filter(email__iexact=email).first()
    elevated = user and (user.is_staff or user.is_superuser)
    if not user or not user.is_test or not user.is_active or elevated:
        raise PermissionDenied("This address belongs to a real account")
    return user
