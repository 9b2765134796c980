"""Authentication of API requests by token or API key, and the scopes of keys.

A token may do everything. A view names the scope that a key needs: `scope` for calls that change
something (default "generate"), `read_scope` for the others (default "read"). No key has the scope
"account".
"""

from collections.abc import Sequence
from typing import Any, cast

from django.conf import settings
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.auth import api_keys, connections, errors, tokens
from accounts.models import ApiKey, Session, User
from config.lib import rate_limits

SessionOrKey = Session | ApiKey


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token or key>`, `X-API-Key: <key>`, or both of the same user.

    request.auth is the session, or the key when no token was sent. Raises AddressNotAllowed for a
    key that may not be used from the client's address.
    """

    def authenticate(self, request: Request) -> tuple[User, SessionOrKey] | None:
        address = rate_limits.address_of(request._request)
        try:
            found = [session_or_key_of(text, address) for text in _bearer(request)]
            found += [api_keys.find(text, address) for text in _api_key(request)]
        except errors.BadCredentials as error:
            raise NotAuthenticated from error
        except errors.AddressNotAllowed as error:
            _name_caller(request, [error.key])
            raise
        if not found:
            return None
        if len({session_or_key.user_id for session_or_key in found}) > 1:
            raise PermissionDenied("The API key belongs to another user")
        _name_caller(request, found)
        self._check_scope(request, found)
        return found[0].user, found[0]

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _check_scope(self, request: Request, found: list[SessionOrKey]) -> None:
        view = (request.parser_context or {}).get("view")
        reads = request.method in SAFE_METHODS
        if _needs_key_and_token(request):
            if not isinstance(found[0], Session):
                raise NotAuthenticated
            if len(found) == 1:
                raise PermissionDenied("Send your API key in X-API-Key too")
        needed = getattr(view, "read_scope", "read") if reads else scope_of(view)
        if isinstance(found[0], ApiKey) and needed not in found[0].scopes:
            raise PermissionDenied(f"This API key may not do that: it needs the scope {needed}")


class CookieAuthentication(SessionAuthentication):
    """The session cookie of the pages; not where REQUIRE_API_KEY asks for a token and a key."""

    def authenticate(self, request: Request) -> Any:
        found = super().authenticate(request)
        if found and _needs_key_and_token(request):
            raise PermissionDenied("Send a token and your API key in X-API-Key")
        return found


def _name_caller(request: Request, found: Sequence[SessionOrKey]) -> None:
    """Tell the log of calls who this is; a key counts before a token."""
    keys = [each for each in found if isinstance(each, ApiKey)]
    request._request.caller = [*keys, *found][0]  # type: ignore[attr-defined]


def _needs_key_and_token(request: Request) -> bool:
    """Return whether the call is one for which REQUIRE_API_KEY asks for both."""
    view = (request.parser_context or {}).get("view")
    writes = request.method not in SAFE_METHODS
    return settings.REQUIRE_API_KEY and writes and getattr(view, "needs_key_and_token", False)


def scope_of(view: object) -> str:
    return str(getattr(view, "scope", ApiKey.Scope.GENERATE))


def session_or_key_of(text: str, address: str) -> SessionOrKey:
    """Return the session of a token, or the API key with this text, for a client at an address.

    Raises BadCredentials or AddressNotAllowed.
    """
    is_key = text.startswith(api_keys.PREFIX)
    return api_keys.find(text, address) if is_key else tokens.session_of(text)


def credential_of(text: str, address: str) -> connections.Credential:
    """Return the credential of a token, or of a key that may read, for a client at an address.

    Raises BadCredentials or AddressNotAllowed.
    """
    found = session_or_key_of(text, address)
    if isinstance(found, ApiKey) and ApiKey.Scope.READ not in found.scopes:
        raise errors.BadCredentials("This API key may not read")
    return _credential_of(found, text, address)


def credential_of_request(request: Request) -> connections.Credential:
    """Return the credential of a call that was authenticated: of all that was sent with it.

    It is for connections that outlive the call.
    """
    if request.auth is None:
        user = cast("User", request.user)
        return connections.credential_of_cookie(user, request.session.session_key)
    address = rate_limits.address_of(request._request)
    texts = [*_bearer(request), *_api_key(request)]
    found = [(session_or_key_of(text, address), text) for text in texts]
    return connections.all_of([_credential_of(each, text, address) for each, text in found])


def _credential_of(found: SessionOrKey, text: str, address: str) -> connections.Credential:
    if isinstance(found, ApiKey):
        return connections.credential_of_key(found, address)
    return connections.credential_of_session(found, tokens.expiry_of(text))


def _bearer(request: Request) -> list[str]:
    words = get_authorization_header(request).split()
    if len(words) != 2 or words[0].lower() != b"bearer":
        return []
    return [words[1].decode("ascii", "replace")]


def _api_key(request: Request) -> list[str]:
    text = request.headers.get("X-API-Key")
    return [text] if text else []
