"""Signing in with Google: what Google says of somebody, and whose account that is.

An account is recognised by Google's own id of the person, never again by the address. At the first
time the address decides, and only one that Google has verified:

    nobody has it           a new account
    verified here too       that account, from now on linked
    not verified here       that account too, but whoever opened it may not have owned the address:
                            the password, every session, every key and every other address or
                            link end first
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

from accounts.auth import allauth_internals, api_keys, tokens
from accounts.models import User
from accounts.people import signup

PROVIDER = "google"
USERNAME_MAX, NAME_MAX, AVATAR_MAX = 150, 80, 500


class Refused(Exception):
    """Google's word does not open this account; nothing was changed."""


class Unreachable(Exception):
    """Google did not answer, or not in its own words."""


@dataclass(frozen=True)
class Identity:
    """What Google says of the person who signs in there."""

    uid: str
    email: str
    is_verified: bool
    name: str = ""
    picture: str = ""


def read(uid: str, claims: dict[str, object]) -> Identity:
    """An identity from an id token or a userinfo answer."""
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


def exchange(request: HttpRequest, code: str, redirect_uri: str, verifier: str = "") -> Identity:
    """Whom an authorization code stands for; it is used up.

    Raises BadCredentials, also for a redirect_uri that is not on the list, or Unreachable. What
    Google answered is nobody else's business.
    """
    if redirect_uri not in settings.GOOGLE_REDIRECT_URIS:
        raise tokens.BadCredentials("Invalid authorization code")
    try:
        account = allauth_internals.fetch_google_account(request, code, redirect_uri, verifier)
        return read(str(account.uid), dict(account.extra_data))
    except OAuth2Error as error:
        raise tokens.BadCredentials("Invalid authorization code") from error
    except (requests.RequestException, ValueError, TypeError, KeyError) as error:
        raise Unreachable("Authentication failed") from error


def user_of(identity: Identity) -> User:
    """The active user this identity opens, made or linked at the first time.

    Raises Refused, or BadCredentials for somebody who may not come in.
    """
    try:
        user = _known(identity) or _met(identity)
    except IntegrityError:  # the same person, at the same moment, elsewhere
        user = _known(identity) or _met(identity)
    if not user.is_active:
        raise tokens.BadCredentials("This account is closed")
    return user


def _known(identity: Identity) -> User | None:
    rows = SocialAccount.objects.filter(provider=PROVIDER, uid=identity.uid)
    found = rows.select_related("user").first()
    return found.user if found else None


def _met(identity: Identity) -> User:
    with transaction.atomic():
        user = None
        if identity.email:
            rows = User.objects.select_for_update().filter(email__iexact=identity.email)
            user = rows.first()
        if user is None:
            user = _open(identity)
        elif user.is_active:
            _take_over(user, identity)
        SocialAccount.objects.create(user=user, provider=PROVIDER, uid=identity.uid)
    return user


def _open(identity: Identity) -> User:
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
    )
    _remember_address(user, identity)
    return user


def _take_over(user: User, identity: Identity) -> None:
    if not identity.is_verified:
        raise Refused(_("Google has not verified this address, which has an account here already."))
    if user.is_staff or user.is_superuser:
        raise Refused(_("A staff account is linked from its own settings, not by its address."))
    known = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    if not user.is_verified and not known.exists():
        _wipe(user)
    _remember_address(user, identity)


def _wipe(user: User) -> None:
    """Every way in that somebody else may have left open ends; the row is locked by the caller."""
    user.set_unusable_password()
    user.is_verified = True
    user.page_sign_ins += 1
    user.save(update_fields=["password", "must_change_password", "is_verified", "page_sign_ins"])
    EmailAddress.objects.filter(user=user).exclude(email__iexact=user.email).delete()
    SocialAccount.objects.filter(user=user).delete()
    tokens.sign_out_everywhere(user)
    api_keys.revoke_all(user)


def _remember_address(user: User, identity: Identity) -> None:
    if user.email and identity.is_verified:
        EmailAddress.objects.update_or_create(
            user=user, email=user.email.lower(), defaults={"verified": True, "primary": True}
        )
