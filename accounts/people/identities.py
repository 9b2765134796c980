"""Sign-in by a provider: read the identity that it states, and find or open its account.

The provider is Google, or the one of OpenID Connect that is configured. An account that is linked
is found by the provider's id of the person, never by the address. At the first sign-in the address
decides, and only if the provider has verified it:

    no account has it       a new account is opened, if accounts.people.admission lets it
    verified here too       the account with this address is linked
    not verified here       that account is linked too, but whoever opened it may not have owned the
                            address: its password, passkeys, second factor, sessions, keys, other
                            addresses and links end
"""

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.auth import errors
from accounts.models import User
from accounts.people import admission, earlier_access, signup

USERNAME_MAX, NAME_MAX, AVATAR_MAX = 150, 80, 500


class Refused(Exception):
    """This identity may not sign in to this account; nothing was changed."""


@dataclass(frozen=True)
class Identity:
    """A person as a provider states it; `provider_name` is what people call the provider."""

    provider: str
    provider_name: str
    uid: str
    email: str
    is_verified: bool
    name: str = ""
    picture: str = ""


def parse_identity(
    provider: str, provider_name: str, uid: str, claims: dict[str, object]
) -> Identity:
    """Read an identity from an id token or a userinfo answer."""
    picture = str(claims.get("picture") or "")
    try:
        URLValidator(["http", "https"])(picture)
    except ValidationError:
        picture = ""
    return Identity(
        provider=provider,
        provider_name=provider_name,
        uid=uid,
        email=str(claims.get("email") or ""),
        # Exactly true: a text such as "false" is not.
        is_verified=any(claims.get(name) is True for name in ("email_verified", "verified_email")),
        name=str(claims.get("name") or "")[:NAME_MAX],
        picture=picture if len(picture) <= AVATAR_MAX else "",
    )


def user_of(identity: Identity, referral: str = "", invitation: str = "") -> User:
    """Return the active user of this identity; the first time, open or link the account.

    `referral` and `invitation` are of the links by which the person came, for a new account.
    Raises Refused, NotAdmitted for a new account, or BadCredentials for one that is locked.
    """
    came_by = {"referral": referral, "invitation": invitation}
    try:
        user = _find_linked(identity) or _link_or_open(identity, came_by)
    except IntegrityError:  # another request of the same person was faster
        user = _find_linked(identity) or _link_or_open(identity, came_by)
    if not user.is_active:
        raise errors.BadCredentials("This account is closed")
    return user


def _find_linked(identity: Identity) -> User | None:
    rows = SocialAccount.objects.filter(provider=identity.provider, uid=identity.uid)
    found = rows.select_related("user").first()
    return found.user if found else None


def _link_or_open(identity: Identity, came_by: dict[str, str]) -> User:
    with transaction.atomic():
        user = None
        if identity.email:
            rows = User.objects.select_for_update().filter(email__iexact=identity.email)
            user = rows.first()
        if user is None:
            user = _open_account(identity, came_by)
        elif not user.is_active:  # else the link would count once the account is open again
            raise errors.BadCredentials("This account is closed")
        else:
            _link_existing(user, identity, came_by["invitation"])
        SocialAccount.objects.create(user=user, provider=identity.provider, uid=identity.uid)
    return user


def _open_account(identity: Identity, came_by: dict[str, str]) -> User:
    # Whether or not the provider lies, an address that it has not verified admits nobody.
    admission.check_address(identity.email if identity.is_verified else "")
    name = identity.email
    if not name or len(name) > USERNAME_MAX or User.objects.filter(username__iexact=name).exists():
        name = f"{identity.provider}-{identity.uid}"[:USERNAME_MAX]
    user = signup.open_account(
        name,
        identity.email,
        None,
        display_name=identity.name,
        avatar_url=identity.picture,
        is_verified=identity.is_verified,
        **came_by,
    )
    _store_address(user, identity)
    return user


def _link_existing(user: User, identity: Identity, invitation: str) -> None:
    if not identity.is_verified:
        # Whom nobody would admit learns no more than for an address without an account.
        admission.check("", invitation)
        raise Refused(
            _(
                "An account with this address exists, and %(provider)s has not verified that it is "
                "yours."
            )
            % {"provider": identity.provider_name}
        )
    if user.is_staff or user.is_superuser:
        raise Refused(
            _("Link a staff account to %(provider)s in its settings. Signing in does not link it.")
            % {"provider": identity.provider_name}
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
