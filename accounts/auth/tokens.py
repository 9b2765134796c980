"""Access and refresh tokens of API sessions; revoking the session row ends all of its tokens."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import UUIDField
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.auth import connections, oauth
from accounts.auth.errors import BadCredentials
from accounts.models import Session, User
from config.lib.prepared_queries import PreparedQuery

# A refresh token that is sent again within this time is a repetition, not a theft.
REFRESH_GRACE = timedelta(seconds=10)
# Most requests run it.
ACTIVE_SESSION = PreparedQuery(
    lambda pk: Session.objects.select_related("user").filter(
        pk=pk, revoked_at=None, user__is_active=True
    ),
    UUIDField,
)


@dataclass(frozen=True)
class Tokens:
    """A pair of tokens; `expires_in` is the lifetime of the access token in seconds."""

    access: str
    refresh: str
    expires_in: int

    def body(self) -> dict[str, Any]:
        """Return the pair under the names that the documented APIs use. Source: C03."""
        return {
            "access_token": self.access,
            "refresh_token": self.refresh,
            "token_type": "bearer",
            "expires_in": self.expires_in,
        }


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
    return _issue_tokens(session)


def refresh(token: str) -> Tokens:
    """Exchange a refresh token for a new pair; a refresh token can be used once.

    The same token again within REFRESH_GRACE gets the same refresh token, because a client may have
    sent it twice, or lost the answer. Raises BadCredentials. A later second use revokes the
    session, because one of the two who used the token must have stolen it.
    """
    claims = _decode(RefreshToken, token)
    session_id, jti = _uuid(claims.get("sid")), claims.get("jti")
    session = Session.objects.select_related("user").filter(pk=session_id).first()
    if session is None or not session.user.is_active:
        raise BadCredentials("Invalid or expired refresh token")
    now = timezone.now()
    # Conditions on this table only: after waiting for a lock, PostgreSQL checks them again, but
    # not those on a joined table.
    active = Session.objects.filter(pk=session_id, revoked_at=None, expires_at__gt=now)
    active.filter(refresh_jti=jti).update(
        refresh_jti=uuid4().hex, previous_jti=jti, refreshed_at=now
    )
    # Exchanged just now, by this call or by another one.
    exchanged = active.filter(previous_jti=jti, refreshed_at__gt=now - REFRESH_GRACE).first()
    if exchanged is None:
        active.update(revoked_at=now)
        connections.recheck(session.user_id)
        raise BadCredentials("Invalid or expired refresh token")
    return _issue_tokens(exchanged)


def sign_out(session: Session) -> None:
    """End a session: its access and refresh tokens stop working at once."""
    Session.objects.filter(pk=session.pk, revoked_at=None).update(revoked_at=timezone.now())
    connections.recheck(session.user_id)


def sign_out_everywhere(user: User, *, keep: Session | None = None) -> None:
    """End every session of a user except `keep`, and the access of every app."""
    rows = Session.objects.filter(user=user, revoked_at=None)
    if keep:
        rows = rows.exclude(pk=keep.pk)
    rows.update(revoked_at=timezone.now())
    oauth.disconnect_all(user)
    connections.recheck(user.pk)


def session_of(token: str) -> Session:
    """Return the session of an access token, with its active user. Raises BadCredentials."""
    claims = _decode(AccessToken, token)
    session = ACTIVE_SESSION.first(_uuid(claims.get("sid")))
    if session is None or str(session.user_id) != claims.get("sub"):
        raise BadCredentials("Signed out")
    return session


def expiry_of(token: str) -> datetime:
    """Return when an access token expires. Raises BadCredentials."""
    return datetime.fromtimestamp(_decode(AccessToken, token)["exp"], UTC)


def _issue_tokens(session: Session) -> Tokens:
    lifetime = _access_lifetime(session)
    access = AccessToken()
    access.set_exp(lifetime=lifetime)
    refresh_token = RefreshToken()
    refresh_token["exp"] = int(session.expires_at.timestamp())
    refresh_token["jti"] = session.refresh_jti
    # Two answers to one exchange carry the same token.
    refresh_token["iat"] = int((session.refreshed_at or session.created_at).timestamp())
    for token in (access, refresh_token):
        token["sid"], token["sub"] = str(session.pk), str(session.user_id)
    return Tokens(str(access), str(refresh_token), int(lifetime.total_seconds()))


def _access_lifetime(session: Session) -> timedelta:
    by_password = session.grant == Session.Grant.PASSWORD and session.refreshed_at is None
    life: timedelta = (
        settings.JWT_PASSWORD_LIFETIME if by_password else settings.JWT_ACCESS_LIFETIME
    )
    return life


def _decode(kind: type[Token], token: str) -> dict[str, Any]:
    try:
        payload: dict[str, Any] = kind(token).payload  # type: ignore[arg-type]
    except (TokenError, OverflowError, OSError, ValueError, TypeError) as error:
        # A time in a signed token may be one that Python has no date for.
        raise BadCredentials("Invalid or expired token") from error
    return payload


def _uuid(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise BadCredentials("Invalid or expired token") from error
