"""The second factor of the API's sign-in: whether a user has one, and whether a code is right."""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.auth import allauth_internals
from accounts.auth.errors import BadCredentials
from accounts.models import User
from config.lib import rate_limits
from config.lib.rate_limits import Rate


class CodeNeeded(Exception):
    """The password is right, and a code of the second factor is missing."""


def check(user: User, code: str) -> None:
    """Return when the user has no second factor or the code is right; a code works once.

    Who has only a passkey sends a recovery code. Raises CodeNeeded, BadCredentials or
    TooManyAttempts.
    """
    found = list(Authenticator.objects.filter(user=user))
    coded = [one for one in found if one.type != Authenticator.Type.WEBAUTHN]
    if all(one.type == Authenticator.Type.RECOVERY_CODES for one in found):
        return
    if not code:
        raise CodeNeeded(_("Send the code of your authenticator app too, or a recovery code."))
    key = f"codes:{user.pk.hex}"
    rate_limits.check(key, Rate(*settings.RATE_AUTH_FAILURES))
    if not any(allauth_internals.is_code_valid(one, code) for one in coded):
        raise BadCredentials(_("Incorrect code"))
    rate_limits.clear(key)
