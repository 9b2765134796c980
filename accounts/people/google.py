"""Sign-in with Google: read the identity that Google states, and find or open its account.

An account that is linked is found by Google's id of the person, never by the address. At the first
sign-in the address decides, and only if Google has verified it:

    no account has it       a new account is opened
    verified here too       the account with this address is linked
    not verified here       that account is linked too, but whoever opened it may not have owned the
                            address: its password, sessions, keys, other addresses and links end
"""

from dataclasses import dataclass

import requests
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.auth import allauth_internals, errors
from accounts.models import User
from accounts.people import earlier_access, signup

PROVIDER = "google"
USERNAME_MAX, NAME_MAX, AVATAR_MAX = 150, 80, 500


class Refused(Exception):
    """This Google identity may not sign in to this account; nothing was changed."""


class Unreachable(Exception):
    """Google did not answer, or its answer could not be read."""


@dataclass(frozen=True)
class Identity:
    """A person as Google states it."""

    uid: str
    email: str
    is_verified: bool
    name: str = ""
    picture: str = ""


def parse_identity(uid: str, claims: dict[str, object]) -> Identity:
    """Read an identity from an id token or a userinfo answer."""
    picture = str(claims.get("picture") or "")
    try:
        URLValidator(["http", "https"])(picture)
    except ValidationError:
        picture = ""
    return Identity(
        uid=uid,
        email=str(claims.get("email") or ""),
        # Exactly true: a text such as "false" is not.
        is_verified=any(claims.get(name) is True for name in ("email_verified", "verified_email")),
        name=str(claims.get("name") or "")[:NAME_MAX],
        picture=picture if len(picture) <= AVATAR_MAX else "",
    )


def exchange_code(
    request: HttpRequest, code: str, redirect_uri: str, verifier: str = ""
) -> Identity:
    """Exchange an authorization code for the identity it stands for; this uses up the code.

    Raises BadCredentials, also for a redirect_uri that is not on the list, or Unreachable. The
    errors do not repeat what Google answered.
    """
    if redirect_uri not in settings.GOOGLE_REDIRECT_URIS:
        raise errors.BadCredentials("Invalid authorization code")
    try:
        account = allauth_internals.fetch_google_account(request, code, redirect_uri, verifier)
        return parse_identity(str(account.uid), dict(account.extra_data))
    except OAuth2Error as error:
        raise errors.BadCredentials("Invalid authorization code") from error
    except (requests.RequestException, ValueError, TypeError, KeyError) as error:
        raise Unreachable("Authentication failed") from error


def user_of(identity: Identity, referral: str = "") -> User:
    """Return the active user of this identity; the first time, open or link the account.

    `referral` is the code of the link by which the person came, for a new account.
    Raises Refused, or BadCredentials for an account that is locked.
    """
    try:
        user = _find_linked(identity) or _link_or_open(identity, referral)
    except IntegrityError:  # another request of the same person was faster
        user = _find_linked(identity) or _link_or_open(identity, referral)
    if not user.is_active:
        raise errors.BadCredentials("This account is closed")
    return user


def _find_linked(identity: Identity) -> User | None:
    rows = SocialAccount.objects.filter(provider=PROVIDER, uid=identity.uid)
    found = rows.select_related("user").first()
    return found.user if found else None


def _link_or_open(identity: Identity, referral: str) -> User:
    with transaction.atomic():
        user = None
        if identity.email:
            rows = User.objects.select_for_update().filter(email__iexact=identity.email)
            user = rows.first()
        if user is None:
            user = _open_account(identity, referral)
        elif user.is_active:
            _link_existing(user, identity)
        SocialAccount.objects.create(user=user, provider=PROVIDER, uid=identity.uid)
    return user


def _open_account(identity: Identity, referral: str) -> User:
    name = identity.email
    if not name or len(name) > USERNAME_MAX or User.objects.filter(username__iexact=name).exists():
        name = f"google-{identity.uid}"[:USERNAME_MAX]
    user = signup.open_account(
        name,
        identity.email,
        None,
        display_name=identity.name,
        avatar_url=identity.picture,
        is_verified=identity.is_verified,
        referral=referral,
    )
    _store_address(user, identity)
    return user


def _link_existing(user: User, identity: Identity) -> None:
    if not identity.is_verified:
        raise Refused(
            _("An account with this address exists, and Google has not verified that it is yours.")
        )
    if user.is_staff or user.is_superuser:
        raise Refused(
            _("Link a staff account to Google in its settings. Signing in does not link it.")
        )
    known = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    if not user.is_verified and not known.exists():
        user.set_unusable_password()
        user.save(update_fields=["password", "must_change_password"])
        earlier_access.end(user)
        signup.mark_as_verified(user)
    _store_address(user, identity)


def _store_address(user: User, identity: Identity) -> None:
    if user.email and identity.is_verified:
        EmailAddress.objects.update_or_create(
            user=user, email=user.email.lower(), defaults={"verified": True, "primary": True}
        )
