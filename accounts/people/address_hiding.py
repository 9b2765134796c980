"""Sign-up without account enumeration: it tells nobody which addresses have accounts.

This is what HIDE_REGISTERED_ADDRESSES switches on.

The answer is the same for every address. Its owner gets an e-mail: to confirm the address of a new
account, or that there is one already. An account can sign in once its address is confirmed
(`accounts.auth.passwords`); until then its sign-in is refused like a wrong password.

Anybody may sign up with an address that is not theirs. So an account waits for its address: who
signs up next replaces its password and names, and the links sent before no longer confirm it.
"""

import hashlib
import logging
from typing import Any, NamedTuple

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.auth.errors import NameTaken
from accounts.models import User
from accounts.people import admission, earlier_access, languages, signup
from config.lib import rate_limits
from config.lib.rate_limits import Rate

log = logging.getLogger(__name__)

# An address gets at most five e-mails in 15 minutes, however often somebody signs up with it. Its
# owner needs one of them, also just after somebody else has signed up with the address.
EMAILS = Rate(5, 900)


class CameBy(NamedTuple):
    """The code of a referral link and the token of an invitation; "" for none."""

    referral: str
    invitation: str


def register(
    username: str,
    email: str,
    password: str,
    *,
    referral: str = "",
    invitation: str = "",
    **fields: Any,
) -> None:
    """Open an account, or replace what waits for this address; write to the address's owner.

    Nothing is changed when the address has an account that is confirmed or has been used. Raises
    NameTaken for a chosen username that another account has: names are no secret. Raises
    NotAdmitted for somebody who may not sign up, whatever the address has. An invitation is used up
    in every case, else it would tell which addresses have accounts.
    """
    admission.check(email, invitation)
    is_chosen = username.lower() != email.lower()
    if is_chosen and User.objects.filter(username__iexact=username).exists():
        raise NameTaken("This name is already in use.")
    fields = {
        **fields,
        "password": make_password(password),  # also when nothing is written: it takes as long
        "language": languages.current_language(),
    }
    address = hashlib.sha256(email.lower().encode()).hexdigest()
    may_write = rate_limits.hit(f"signup:{address}", EMAILS).allowed
    waits, came_by = False, CameBy(referral, invitation)
    try:
        waits = _open_or_replace(username, email, fields, came_by, may_write)
    except IntegrityError:
        try:
            # another request did
            waits = _open_or_replace(username, email, fields, came_by, may_write)
        except IntegrityError:
            log.info("another request was faster to sign up with this name")
    if may_write and not waits and (owner := User.objects.filter(email__iexact=email).first()):
        get_adapter().send_account_already_exists_mail(owner.email)


def confirm(user: User) -> None:
    """Note that the user has opened the link of a confirmation; the caller has locked the row.

    With HIDE_REGISTERED_ADDRESSES whatever somebody else may hold on the account ends.
    """
    if settings.HIDE_REGISTERED_ADDRESSES and not user.is_verified:
        earlier_access.end(user)
    signup.mark_as_verified(user)


def confirm_by_reset(user: User) -> None:
    """Note that the user has proved the address with a password reset, and set `user.password`."""
    with transaction.atomic():
        before = User.objects.select_for_update().get(pk=user.pk)
        if not before.is_verified:
            earlier_access.end(user)
        # Somebody may have signed up with the address since the reset set its password.
        User.objects.filter(pk=user.pk).update(password=user.password)
        confirmed = {"verified": True, "primary": True}
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults=confirmed)
        signup.mark_as_verified(user)


def _open_or_replace(
    username: str, email: str, fields: dict[str, Any], came_by: CameBy, may_write: bool
) -> bool:
    """Return whether the account of this address has these fields now and waits for its owner.

    The e-mail with the link that confirms the address is queued with them.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().filter(email__iexact=email).first()
        if user is None:
            user = signup.store_account(
                username,
                email,
                referral=came_by.referral,
                invitation=came_by.invitation,
                **fields,
            )
        elif _waits(user):
            admission.admit(user, email, came_by.invitation)
            _replace(user, username, fields)
            signup.record_referral(user, came_by.referral)
        else:
            admission.admit(None, email, came_by.invitation)
            return False
        # A link names the row of its address: with a new row it confirms nothing.
        EmailAddress.objects.filter(user=user).delete()
        address = EmailAddress.objects.create(user=user, email=user.email.lower(), primary=True)
        if may_write:
            address.send_confirmation()
    return True


def _waits(user: User) -> bool:
    """Return whether an account was opened here, is not confirmed and has never been used.

    One from before the setting was on may hold videos and credits: nobody may replace its password.
    """
    addresses = EmailAddress.objects.filter(user=user)
    return (
        user.is_active
        and user.last_login is None
        and not (user.is_verified or user.is_staff or user.is_superuser)
        and [address.verified for address in addresses] == [False]
    )


def _replace(user: User, username: str, fields: dict[str, object]) -> None:
    name = User.normalize_username(username)
    if not User.objects.filter(username__iexact=name).exclude(pk=user.pk).exists():
        user.username = name
    for field, value in {"display_name": "", **fields}.items():
        setattr(user, field, value)
    user.save(update_fields=["username", "display_name", *fields])
