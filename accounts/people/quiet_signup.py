"""Signing up without telling who has an account, for HIDE_REGISTERED_ADDRESSES.

The answer is the same for every address. Its owner gets an e-mail: to confirm the address of a new
account, or that there is one already. An account can sign in once its address is confirmed
(`accounts.auth.passwords`); until then its sign-in is refused like a wrong password.
"""

import logging

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError

from accounts.auth import passwords
from accounts.auth.errors import NameTaken
from accounts.models import User
from accounts.people import signup
from config.lib import rate_limits
from config.lib.rate_limits import Rate

log = logging.getLogger(__name__)

# An address gets one e-mail in three minutes, however often somebody signs up with it.
EMAILS = Rate(1, 180)


def register(username: str, email: str, password: str, **fields: object) -> None:
    """Open an account, or do nothing when the address has one; write to its owner.

    Raises NameTaken for a chosen username that another account has: names are no secret.
    """
    is_chosen = username.lower() != email.lower()
    if is_chosen and User.objects.filter(username__iexact=username).exists():
        raise NameTaken("This name is already in use.")
    if _owner_of(email):
        make_password(password)  # takes as long as opening an account
    else:
        try:
            signup.open_account(username, email, password, **fields)
        except IntegrityError:
            log.info("somebody else was faster to sign up with this name or address")
    owner = _owner_of(email)
    if owner and rate_limits.hit(f"signup:{owner.pk.hex}", EMAILS).allowed:
        _write_to(owner)


def confirm_by_reset(user: User) -> None:
    """Note that the user has proved the address by opening the link of a password reset."""
    confirmed = {"verified": True, "primary": True}
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults=confirmed)
    signup.mark_as_verified(user)


def _owner_of(email: str) -> User | None:
    return User.objects.filter(email__iexact=email).first()


def _write_to(owner: User) -> None:
    try:
        if passwords.may_sign_in(owner):
            get_adapter().send_account_already_exists_mail(owner.email)
        else:
            address, _ = EmailAddress.objects.get_or_create(
                user=owner, email=owner.email, defaults={"primary": True}
            )
            address.send_confirmation()
    except OSError:  # the answer must not tell; signing up again writes again
        log.exception("an e-mail about a sign-up could not be sent")
