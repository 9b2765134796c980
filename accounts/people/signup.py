"""Opening an account: the row and its welcome credits, together or not at all."""

import re

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.people import languages
from billing.ledger import credits

NAME = re.compile(r"[\w.@+-]+")


def may_be_called(name: str, address: str) -> bool:
    """Whether this name cannot be mistaken for somebody else's address."""
    return "@" not in name or name.lower() == address.lower()


def open_account(username: str, email: str, password: str | None, **fields: object) -> User:
    """Create a user who can sign in, with the welcome credits.

    `password` None leaves the account without one; the language is the one that is spoken now,
    unless `fields` name another. Raises IntegrityError for a taken name or
    address; then nothing is left behind.
    """
    fields.setdefault("language", languages.here())
    with transaction.atomic():
        user = User.objects.create_user(username, email, password, **fields)
        welcome(user)
    return user


def welcome(user: User) -> None:
    """Grant the welcome credits; once, however often it is called."""
    if settings.WELCOME_CREDITS:
        credits.grant(
            user,
            settings.WELCOME_CREDITS,
            credits.Kind.BONUS,
            f"signup:{user.pk}",
            expires_at=timezone.now() + settings.BONUS_LIFETIME,
            purpose=credits.Purpose("signup", str(user.pk), "Welcome credits"),
        )


def test_user(email: str) -> User:
    """The test user of this address, opened when there is none.

    Raises PermissionDenied when the address is a real account's.
    """
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        try:
            user = open_account(email, email, None, is_test=True)
        except IntegrityError:  # somebody was first, or has this address for a name
            user = User.objects.filter(email__iexact=email).first()
    elevated = user and (user.is_staff or user.is_superuser)
    if not user or not user.is_test or not user.is_active or elevated:
        raise PermissionDenied("This address belongs to a real account")
    return user
