"""Who calls /mcp: by token, by API key, or by an OAuth token that was issued for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from accounts.auth import api_keys, connections, oauth, tokens
from accounts.auth.errors import BadCredentials
from accounts.models import ApiKey, User

ALL_SCOPES = frozenset(ApiKey.Scope.values)


@dataclass(frozen=True)
class Caller:
    """A user's program, and the scopes of the credential it sent; a token has all of them.

    `has_key_and_token` is what REQUIRE_API_KEY asks for.
    """

    credential: connections.Credential
    scopes: frozenset[str] = ALL_SCOPES
    api_key_id: UUID | None = None
    has_key_and_token: bool = False

    @property
    def user(self) -> User:
        return self.credential.user


def caller_of(headers: Mapping[str, str], address: str) -> Caller:
    """Return who sent these headers from an IP address.

    As in the API, a token that comes with an API key of the same user decides what is allowed.
    Raises BadCredentials, also without any credential, or AddressNotAllowed.
    """
    bearer, key = _bearer(headers), headers.get("X-API-Key", "").strip()
    if not (bearer or key):
        raise BadCredentials("Send an API key or an access token.")
    by_bearer = _of_bearer(bearer, address) if bearer else None
    by_key = _of_key(key, address) if key else None
    if by_bearer is None or by_key is None:
        found = by_bearer or by_key
        assert found
        return found
    if by_bearer.user.pk != by_key.user.pk:
        raise BadCredentials("The API key belongs to another user.")
    has_both = by_bearer.api_key_id is None
    return Caller(by_bearer.credential, by_bearer.scopes, by_bearer.api_key_id, has_both)


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, text = headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _of_bearer(text: str, address: str) -> Caller:
    if text.startswith(api_keys.PREFIX):
        return _of_key(text, address)
    if text.count(".") != 2:  # what is signed has three parts, what OAuth issues has one
        issued = oauth.token_of(text)
        return Caller(oauth.credential_of(issued), frozenset(issued.get_scopes()))
    session = tokens.session_of(text)
    return Caller(connections.credential_of_session(session, tokens.expiry_of(text)))


def _of_key(text: str, address: str) -> Caller:
    key = api_keys.find(text, address)
    return Caller(connections.credential_of_key(key, address), frozenset(key.scopes), key.pk)
