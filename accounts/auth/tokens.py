"""Tokens and who they stand for: access and refresh tokens over a revocable session row."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import Any
from uuid import UUID, uuid4

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.auth import connections
from accounts.models import Session, User
from config.lib import rate_limits
from config.lib.rate_limits import Rate


class BadCredentials(Exception):
    """The name, address or password is wrong, or the token is not, or no longer, good."""


class NoPassword(Exception):
    """The account has no password to be asked for or to be changed."""


class TooManyFailures(Exception):
    """This account has seen too many wrong passwords; `wait` seconds are left."""

    def __init__(self, wait: int) -> None:
        text = ngettext(
            "Too many failed attempts. Try again in %(n)d second.",
            "Too many failed attempts. Try again in %(n)d seconds.",
            wait,
        )
        super().__init__(text % {"n": wait})
        self.wait = wait


class Backend(AuthenticationBackend):  # type: ignore[misc]
    """Username or address and password; the first run's own password works on this machine only.

    The one gate of every password, on pages too: an account that has seen too many wrong ones is
    refused before anything is hashed.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        try:
            with _attempt(_account(credentials)) as attempt:
                user = super().authenticate(request, **credentials)
                if not isinstance(user, User) or not user.is_active:
                    return None
                if user.must_change_password and not _from_here(request):
                    return None
                attempt.right = True
                return user
        except TooManyFailures as error:
            if request is not None:
                request.too_many_failures = error  # type: ignore[attr-defined]
            return None


@dataclass
class Attempt:
    """Somebody tries a password; `right` says that it was."""

    right: bool = False


@contextmanager
def _attempt(account: str) -> Iterator[Attempt]:
    """Count a try before it is made and forget it when it was right. Raises TooManyFailures."""
    attempt, rate = Attempt(), Rate(*settings.RATE_AUTH_FAILURES)
    if rate.limit:
        verdict = rate_limits.hit(f"failures:{account}", rate)
        if not verdict.allowed:
            raise TooManyFailures(verdict.reset)
    yield attempt
    if rate.limit and attempt.right:
        rate_limits.clear(f"failures:{account}")


def _account(credentials: dict[str, Any]) -> str:
    """Whose password is tried: the user's id, or a digest of a name nobody has."""
    name = str(credentials.get("username") or credentials.get("email") or "").lower()
    rows = User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name))
    found = rows.values_list("pk", flat=True).first() if settings.RATE_AUTH_FAILURES[0] else None
    return found.hex if found else sha256(name.encode()).hexdigest()


def _from_here(request: HttpRequest | None) -> bool:
    if request is None:
        return True
    try:
        return ip_address(rate_limits.address_of(request)).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Tokens:
    """A pair of tokens; `expires_in` is the access token's life in seconds."""

    access: str
    refresh: str
    expires_in: int

    def body(self) -> dict[str, Any]:
        """As every documented system spells them. Source: C03."""
        return {
            "access_token": self.access,
            "refresh_token": self.refresh,
            "token_type": "bearer",
            "expires_in": self.expires_in,
        }


def check_password(request: HttpRequest | None, login: str, password: str) -> User:
    """The active user whose username or address, and password, these are.

    Raises TooManyFailures, or BadCredentials in the same time for an unknown name as for a wrong
    password.
    """
    user = Backend().authenticate(request, username=login, password=password)
    if not isinstance(user, User):
        if refusal := getattr(request, "too_many_failures", None):
            raise refusal
        raise BadCredentials(_("Incorrect username or password"))
    return user


def confirm(user: User, password: str) -> None:
    """Ask somebody who is signed in for the password again.

    Raises BadCredentials, NoPassword or TooManyFailures.
    """
    if not user.has_usable_password():
        raise NoPassword(_("This account has no password. Set one by the link of a reset e-mail."))
    with _attempt(user.pk.hex) as attempt:
        attempt.right = user.check_password(password)
    if not attempt.right:
        raise BadCredentials(_("Incorrect password"))


def change_password(user: User, password: str, *, but: Session | None = None) -> None:
    """Set a new password; every session ends, except the one that asks."""
    user.set_password(password)
    user.save(update_fields=["password", "must_change_password"])
    sign_out_everywhere(user, but=but)


def sign_in(user: User, grant: Session.Grant) -> Tokens:
    """Open a session and return its first pair of tokens."""
    now = timezone.now()
    session = Session.objects.create(
        user=user,
        grant=grant,
        refresh_jti=uuid4().hex,
        expires_at=now + settings.JWT_REFRESH_LIFETIME,
    )
    User.objects.filter(pk=user.pk).update(last_login=now)
    return _tokens(session)


def refresh(token: str) -> Tokens:
    """Exchange a refresh token for a new pair; it can be used once.

    Raises BadCredentials. A second use of a token revokes its whole session: one of its two
    holders is a thief.
    """
    claims = _read(RefreshToken, token)
    session_id, jti = _uuid(claims.get("sid")), claims.get("jti")
    session = Session.objects.select_related("user").filter(pk=session_id).first()
    if session is None or not session.user.is_active:
        raise BadCredentials("Invalid or expired refresh token")
    now = timezone.now()
    # Only columns of this very row: PostgreSQL would not look again at a joined one after a wait.
    living = Session.objects.filter(pk=session_id, revoked_at=None, expires_at__gt=now)
    fresh = uuid4().hex
    if not living.filter(refresh_jti=jti).update(refresh_jti=fresh, refreshed_at=now):
        living.update(revoked_at=now)
        connections.changed(session.user_id)
        raise BadCredentials("Invalid or expired refresh token")
    session.refresh_jti, session.refreshed_at = fresh, now
    return _tokens(session)


def sign_out(session: Session) -> None:
    """End a session: its access and refresh tokens stop working at once."""
    Session.objects.filter(pk=session.pk, revoked_at=None).update(revoked_at=timezone.now())
    connections.changed(session.user_id)


def sign_out_everywhere(user: User, *, but: Session | None = None) -> None:
    """End every session of a user, except the one that asks."""
    rows = Session.objects.filter(user=user, revoked_at=None)
    if but:
        rows = rows.exclude(pk=but.pk)
    rows.update(revoked_at=timezone.now())
    connections.changed(user.pk)


def session_of(token: str) -> Session:
    """The living session, with its active user, of an access token. Raises BadCredentials."""
    claims = _read(AccessToken, token)
    session = (
        Session.objects.select_related("user")
        .filter(pk=_uuid(claims.get("sid")), revoked_at=None, user__is_active=True)
        .first()
    )
    if session is None or str(session.user_id) != claims.get("sub"):
        raise BadCredentials("Signed out")
    return session


def end_of(token: str) -> datetime:
    """When an access token expires. Raises BadCredentials."""
    return datetime.fromtimestamp(_read(AccessToken, token)["exp"], UTC)


def _tokens(session: Session) -> Tokens:
    life = _lifetime(session)
    access = AccessToken()
    access.set_exp(lifetime=life)
    renewal = RefreshToken()
    renewal["exp"] = int(session.expires_at.timestamp())
    renewal["jti"] = session.refresh_jti
    for token in (access, renewal):
        token["sid"], token["sub"] = str(session.pk), str(session.user_id)
    return Tokens(str(access), str(renewal), int(life.total_seconds()))


def _lifetime(session: Session) -> timedelta:
    by_password = session.grant == Session.Grant.PASSWORD and session.refreshed_at is None
    life: timedelta = (
        settings.JWT_PASSWORD_LIFETIME if by_password else settings.JWT_ACCESS_LIFETIME
    )
    return life


def _read(kind: type[Token], token: str) -> dict[str, Any]:
    try:
        payload: dict[str, Any] = kind(token).payload  # type: ignore[arg-type]
    except TokenError as error:
        raise BadCredentials("Invalid or expired token") from error
    return payload


def _uuid(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise BadCredentials("Invalid or expired token") from error
