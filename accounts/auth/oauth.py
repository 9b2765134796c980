"""Apps that a user has let in over OAuth: their clients, scopes and tokens, which allauth keeps.

A token is opaque, stored as a digest, and good for /mcp only: nothing else here asks `token_of`.
Clients register themselves and are public, so each proves with PKCE that a code is its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from allauth.idp.oidc.models import Client, Token
from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.auth import connections
from accounts.auth.errors import BadCredentials
from accounts.auth.stored_credentials import RowReference
from accounts.models import ApiKey, User

# No app may see or move money, and none may change the account.
SCOPES = (ApiKey.Scope.READ.value, ApiKey.Scope.GENERATE.value)
# A client that nobody let in within this time is deleted; it can register again.
UNUSED_LIFETIME = timedelta(days=1)
MAX_UNUSED = 5_000
NAME_MAX = 80


class TooManyClients(Exception):
    """So many clients wait for their first user that none may register at the moment."""


@dataclass(frozen=True)
class App:
    """A client that a user has let in, and what it may do."""

    id: str
    name: str
    scopes: list[str]
    connected_at: datetime
    renewed_at: datetime


@dataclass(frozen=True)
class TokenReference(RowReference):
    """A token of an app."""

    @classmethod
    def active(cls) -> "QuerySet[Token]":
        rows: QuerySet[Token] = Token.objects.valid().filter(user__is_active=True)
        return rows


def resource() -> str:
    """The address that tokens are issued for."""
    return f"{settings.BASE_URL}/mcp"


def register(name: str, redirect_uris: list[str], scopes: list[str]) -> Client:
    """Store a new public client. Raises TooManyClients."""
    if _unused().count() >= MAX_UNUSED:
        raise TooManyClients
    client = Client(
        name=name[:NAME_MAX],
        type=Client.Type.PUBLIC,
        # No hash: a public client has no secret, and nothing matches this one.
        secret="!",  # noqa: S106
        data={"dcr": True},
    )
    client.set_redirect_uris(redirect_uris)
    client.set_scopes(scopes)
    client.set_default_scopes(scopes)
    client.set_grant_types(["authorization_code", "refresh_token"])
    client.set_response_types(["code"])
    client.save(force_insert=True)
    return client


def token_of(text: str) -> Token:
    """Return the access token with this text, with its active user. Raises BadCredentials."""
    rows = Token.objects.valid().by_value(text).select_related("user")
    token = rows.filter(type=Token.Type.ACCESS_TOKEN, user__is_active=True).first()
    if token is None or not {resource()}.issuperset(token.get_resources()):
        raise BadCredentials("Invalid or expired token")
    return token


def credential_of(token: Token) -> connections.Credential:
    return connections.Credential(token.user, (TokenReference(token.pk),), token.expires_at)


def list_apps(user: User) -> list[App]:
    """Return the apps that hold a valid token of this user, the latest first."""
    rows = Token.objects.valid().filter(user=user).select_related("client").order_by("client_id")
    found = [_app(list(tokens)) for _client_id, tokens in groupby(rows, attrgetter("client_id"))]
    return sorted(found, key=lambda app: app.renewed_at, reverse=True)


def _app(tokens: list[Token]) -> App:
    granted = {scope for token in tokens for scope in token.get_scopes()}
    times = [token.created_at for token in tokens]
    return App(
        id=tokens[0].client.pk,
        name=tokens[0].client.name,
        scopes=[str(ApiKey.Scope(scope).label) for scope in SCOPES if scope in granted],
        connected_at=min(times),
        renewed_at=max(times),
    )


def disconnect(user: User, client_id: str) -> bool:
    """End all tokens of an app of this user; return whether it had any."""
    gone, _ = Token.objects.filter(user=user, client_id=client_id).delete()
    connections.recheck(user.pk)
    return bool(gone)


def disconnect_all(user: User) -> None:
    """End the tokens of every app of this user."""
    Token.objects.filter(user=user).delete()


def revoke(text: str) -> None:
    """End a token; with a refresh token also what came of it. Does nothing for an unknown one."""
    token = Token.objects.by_value(text).select_related("user").first()
    if token is None:
        return
    if token.type == Token.Type.REFRESH_TOKEN and token.user and token.client_id:
        disconnect(token.user, token.client_id)
    token.delete()


def delete_expired() -> None:
    """Delete expired tokens, and clients that registered a day ago and nobody let in."""
    Token.objects.expired().delete()
    _unused().filter(created_at__lte=timezone.now() - UNUSED_LIFETIME).delete()


def _unused() -> QuerySet[Client]:
    rows: QuerySet[Client] = Client.objects.annotate(
        tokens=Count("token", filter=~Q(token__type=Token.Type.INITIAL_ACCESS_TOKEN))
    )
    return rows.filter(tokens=0, data__dcr=True)
