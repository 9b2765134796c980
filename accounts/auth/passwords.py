"""Check and change passwords. Every password of the pages and of the API is checked here."""

from ipaddress import ip_address
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.auth import tokens
from accounts.auth.errors import BadCredentials, NoPassword
from accounts.auth.sign_in_attempts import account_of, count_attempt
from accounts.models import Session, User
from config.lib import rate_limits
from config.lib.rate_limits import TooManyAttempts


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc]
    """Sign in with a username or an e-mail address, and a password.

    An account with too many failed attempts is refused before anything is hashed. A password that
    must be changed, such as that of the first run, works from this machine only.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        try:
            with count_attempt(account_of(credentials)) as attempt:
                user = super().authenticate(request, **credentials)
                if not isinstance(user, User) or not user.is_active or not may_sign_in(user):
                    return None
                if user.must_change_password and not _is_from_this_machine(request):
                    return None
                attempt.succeeded = True
                return user
        except TooManyAttempts as error:
            if request is not None:
                request.too_many_attempts = error  # type: ignore[attr-defined]
            return None


def may_sign_in(user: User) -> bool:
    """Return whether the address is confirmed, or need not be for a sign-in.

    With HIDE_REGISTERED_ADDRESSES a sign-in to an account that somebody has just opened would tell
    that its address had none.
    """
    return not settings.HIDE_REGISTERED_ADDRESSES or user.is_verified or user.is_staff


def check_password(request: HttpRequest | None, login: str, password: str) -> User:
    """Return the active user with this username or address and this password.

    Raises TooManyAttempts, or BadCredentials, which takes as long for an unknown name as for a
    wrong password.
    """
    user = PasswordBackend().authenticate(request, username=login, password=password)
    if not isinstance(user, User):
        if refusal := getattr(request, "too_many_attempts", None):
            raise refusal
        raise BadCredentials(_("Incorrect username or password"))
    return user


def confirm_password(user: User, password: str) -> None:
    """Check the password of a user who is signed in.

    Raises BadCredentials, NoPassword or TooManyAttempts.
    """
    if not user.has_usable_password():
        raise NoPassword(
            _("This account has no password. Request a password reset e-mail to set one.")
        )
    with count_attempt(user.pk.hex) as attempt:
        attempt.succeeded = user.check_password(password)
    if not attempt.succeeded:
        raise BadCredentials(_("Incorrect password"))


def change_password(user: User, password: str, *, keep: Session | None = None) -> None:
    """Set a new password and end every session except `keep`."""
    user.set_password(password)
    user.save(update_fields=["password", "must_change_password"])
    tokens.sign_out_everywhere(user, keep=keep)


def _is_from_this_machine(request: HttpRequest | None) -> bool:
    if request is None:
        return True
    try:
        return ip_address(rate_limits.address_of(request)).is_loopback
    except ValueError:
        return False
