"""The second factor: whether somebody has one, and whether a code is good."""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.auth import allauth_internals
from accounts.auth.tokens import BadCredentials, TooManyFailures
from accounts.models import User
from config.lib import rate_limits
from config.lib.rate_limits import Rate


class CodeNeeded(Exception):
    """The password is right, and a code of the second factor is missing."""


def is_on(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def check(user: User, code: str) -> None:
    """Nothing when no code is needed, or this one is good; a code is good once.

    Raises CodeNeeded, BadCredentials or TooManyFailures.
    """
    found = list(Authenticator.objects.filter(user=user))
    if not any(one.type == Authenticator.Type.TOTP for one in found):
        return
    if not code:
        raise CodeNeeded(_("Send the code of your authenticator app too."))
    rate, key = Rate(*settings.RATE_AUTH_FAILURES), f"codes:{user.pk.hex}"
    if rate.limit:
        verdict = rate_limits.hit(key, rate)
        if not verdict.allowed:
            raise TooManyFailures(verdict.reset)
    if not any(allauth_internals.is_code_valid(one, code) for one in found):
        raise BadCredentials(_("Incorrect code"))
    rate_limits.clear(key)
