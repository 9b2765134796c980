"""Whether staff may do something: decided here for the admin site, its actions and the API."""

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _


def has_second_factor(user: AbstractBaseUser) -> bool:
    """Return whether a password alone does not sign this user in."""
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    return bool(Authenticator.objects.filter(user=user, type__in=kinds).exists())


def lacks_second_factor(user: AbstractBaseUser) -> bool:
    """Return whether staff need a second factor here that this user does not have."""
    return settings.STAFF_TWO_FACTOR and not has_second_factor(user)


def is_staff(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether a user is staff whose account is active."""
    return bool(user.is_active and getattr(user, "is_staff", False))


def may(user: AbstractBaseUser | AnonymousUser, permission: str) -> bool:
    """Return whether a user is staff with this permission and, where needed, a second factor."""
    return (
        is_staff(user)
        and isinstance(user, PermissionsMixin)
        and user.has_perm(permission)
        and not lacks_second_factor(user)
    )


def check(user: AbstractBaseUser | AnonymousUser, permission: str, refusal: str) -> None:
    """Return when `may` is true. Raises PermissionDenied, with `refusal` for who is not staff."""
    if may(user, permission):
        return
    if not is_staff(user):
        raise PermissionDenied(refusal)
    if isinstance(user, PermissionsMixin) and user.has_perm(permission):
        raise PermissionDenied(_("Staff need two-factor sign-in. Turn it on first."))
    raise PermissionDenied(
        _("Your staff account lacks the permission %(name)s.") % {"name": permission}
    )


def may_act_on(actor: AbstractBaseUser | AnonymousUser, user: AbstractBaseUser) -> bool:
    """Return whether staff may change or lock an account; one of staff needs a superuser.

    Otherwise whoever may change users could take over the account of a colleague who may do more.
    """
    is_colleague = getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)
    return not is_colleague or bool(getattr(actor, "is_superuser", False))
