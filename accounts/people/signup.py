"""Opening an account: the user and the welcome credits, in one transaction."""

import re
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from accounts.people import admission, languages
from billing.ledger import credits
from billing.referrals import invitations, rewards

USERNAME = re.compile(r"[\w.@+-]+")


def is_username_allowed(name: str, address: str) -> bool:
    """Return whether this username is not an e-mail address, or is the user's own address."""
    return "@" not in name or name.lower() == address.lower()


def open_account(username: str, email: str, password: str | None, **fields: Any) -> User:
    """Create a user who can sign in, with the welcome credits; `fields` as for `store_account`.

    Without a `password` the account has none. The language is the one of the request, unless
    `fields` name another. Raises as `store_account` does.
    """
    fields.setdefault("language", languages.current_language())
    # Hashing takes half a second, in which a transaction would make everybody wait.
    hashed = make_password(password)
    return store_account(username, email, **{**fields, "password": hashed})


def store_account(
    username: str,
    email: str,
    *,
    referral: str = "",
    invitation: str = "",
    by_operator: bool = False,
    **fields: Any,
) -> User:
    """Do as `open_account` with a `password` that is hashed already.

    `referral` is the code of the link by which the user came, `invitation` the token of the one
    that is used up. Commands of the operator open accounts whoever may sign up. Raises
    IntegrityError for a username or address that is taken and NotAdmitted for somebody who may
    not sign up; then nothing is written.
    """
    user = User(
        username=User.normalize_username(username),
        email=User.objects.normalize_email(email),
        **fields,
    )
    with transaction.atomic():
        user.save(force_insert=True)
        if not by_operator:
            admission.admit(user, user.email, invitation)
        grant_welcome_credits(user)
        record_referral(user, referral)
    return user


def register(
    request: HttpRequest,
    username: str,
    email: str,
    password: str,
    **fields: Any,
) -> User:
    """Open an account, and queue the e-mail that confirms the address where credits wait for it.

    Raises as `open_account` does.
    """
    fields.setdefault("language", languages.current_language())
    hashed = make_password(password)
    with transaction.atomic():
        user = store_account(username, email, **{**fields, "password": hashed})
        request_confirmation(request, user)
    return user


def record_referral(user: User, code: str) -> None:
    """Note by whose link a new user came; "" for nobody's.

    Where this installation asks for a confirmed address, the reward waits for it too.
    """
    asks = settings.WELCOME_CREDITS_AFTER_CONFIRMATION or settings.HIDE_REGISTERED_ADDRESSES
    invitations.record(user, code, is_confirmed=user.is_verified or not asks)


def grant_welcome_credits(user: User) -> None:
    """Grant the welcome credits, once per user; none without billing.

    With WELCOME_CREDITS_AFTER_CONFIRMATION only to a user whose e-mail address is confirmed.
    """
    waits = settings.WELCOME_CREDITS_AFTER_CONFIRMATION and not user.is_verified
    if settings.BILLING and settings.WELCOME_CREDITS and not waits:
        credits.grant(
            user,
            settings.WELCOME_CREDITS,
            credits.Kind.BONUS,
            _welcome_key(user),
            expires_at=timezone.now() + settings.BONUS_LIFETIME,
            purpose=credits.Purpose("signup", str(user.pk), "Welcome credits"),
        )


def mark_as_verified(user: User) -> None:
    """Note that the user has confirmed the e-mail address, and grant credits that waited for it."""
    user.is_verified = True
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_verified=True)
        waited = settings.WELCOME_CREDITS_AFTER_CONFIRMATION
        # The amount may have been another one when the user signed up.
        if waited and not credits.existing_keys([_welcome_key(user)]):
            grant_welcome_credits(user)
        rewards.confirm(user)


def waits_for_welcome_credits(user: User) -> bool:
    """Return whether confirming the e-mail address will grant the welcome credits."""
    may_wait = settings.WELCOME_CREDITS_AFTER_CONFIRMATION and settings.WELCOME_CREDITS
    if not (settings.BILLING and may_wait) or user.is_verified:
        return False
    return not credits.existing_keys([_welcome_key(user)])


def request_confirmation(request: HttpRequest, user: User) -> None:
    """E-mail the link that confirms the address of a new user whose welcome credits wait for it."""
    if not waits_for_welcome_credits(user):
        return
    address, _is_new = EmailAddress.objects.get_or_create(
        user=user, email=user.email.lower(), defaults={"primary": True}
    )
    address.send_confirmation(request, signup=True)


def _welcome_key(user: User) -> str:
    return f"signup:{user.pk}"


def get_or_open_test_user(email: str) -> User:
    """Return the test user of this address; open the account when there is none.

    Raises PermissionDenied when the address is a real account's.
    """
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        try:
            user = open_account(email, email, None, is_test=True, by_operator=True)
        except IntegrityError:  # another request was faster, or a username is this address
            user = User.objects.filter(email__iexact=email).first()
    elevated = user and (user.is_staff or user.is_superuser)
    if not user or not user.is_test or not user.is_active or elevated:
        raise PermissionDenied("This address belongs to a real account")
    return user
