"""Whether a request comes from somebody who is signed in, before its large body is read.

Every token and key that is sent must be valid, as for the API; the cookie of the pages counts only
without them. The sandbox engine has keys of its own.
"""

import hmac
from http.cookies import CookieError, SimpleCookie

from django.conf import settings

from accounts.auth import authentication, stored_credentials
from accounts.auth.errors import BadCredentials
from config.server.refusals import Headers


def are_valid(path: str, headers: Headers, address: str) -> bool:
    """Return whether the credentials in these headers are valid, by the database as it is now.

    `address` is the client's IP address. Raises AddressNotAllowed.
    """
    bearer, keys, session = _read(headers)
    if path.startswith("/sandbox/"):
        return settings.SANDBOX and any(_is_sandbox_key(text) for text in bearer)
    try:
        if bearer or keys:
            return all(authentication.session_or_key_of(text, address) for text in bearer + keys)
    except BadCredentials:
        return False
    return bool(session) and stored_credentials.user_of_cookie(session).is_authenticated


def _read(headers: Headers) -> tuple[list[str], list[str], str]:
    """Return the bearer tokens, the API keys and the session of the cookie."""
    bearer, keys, session = [], [], ""
    for name, value in headers:
        text = value.decode("latin-1").strip()
        if name == b"authorization":
            scheme, _, token = text.partition(" ")
            bearer += [token.strip()] if scheme.lower() == "bearer" else []
        elif name == b"x-api-key" and text:
            keys.append(text)
        elif name == b"cookie":
            session = _session_of(text)
    return bearer, keys, session


def _session_of(cookie: str) -> str:
    try:
        morsel = SimpleCookie(cookie).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _is_sandbox_key(text: str) -> bool:
    sent = text.encode()
    return any(hmac.compare_digest(sent, key.encode()) for key in settings.SANDBOX_API_KEYS)
