"""What a client says of itself when it registers (RFC 7591), checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.http import QueryDict

from accounts.auth import oauth

MOST_URIS, URI_MAX = 10, 500
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# Schemes that a browser would run or read itself; apps have schemes of their own.
NOT_OF_APPS = {
    *("http", "https", "ws", "wss", "ftp", "file", "data", "blob", "about", "mailto", "tel"),
    *("javascript", "vbscript", "view-source", "filesystem", "intent", "jar", "chrome"),
}
SCHEME = re.compile(r"[a-z][a-z0-9.+-]{1,63}")


class BadMetadata(Exception):
    """The registration is refused; `code` is that of RFC 7591."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class Metadata:
    name: str
    redirect_uris: list[str]
    scopes: list[str]


def read_metadata(sent: Any) -> Metadata:
    """Return what counts of a registration. Raises BadMetadata."""
    if not isinstance(sent, Mapping):
        raise BadMetadata("invalid_client_metadata", "Send a JSON object.")
    uris = _redirect_uris(sent.get("redirect_uris"))
    grants = sent.get("grant_types") or ["authorization_code"]
    if not isinstance(grants, list) or "authorization_code" not in grants:
        raise BadMetadata("invalid_client_metadata", "The only grant is authorization_code.")
    return Metadata(_name(sent.get("client_name"), uris[0]), uris, _scopes(sent.get("scope")))


def is_readable(asked: QueryDict) -> bool:
    """Whether a request has only characters that OAuth allows; the cache refuses others."""
    values = [value for _name, several in asked.lists() for value in several]
    return all(value.isascii() and value.isprintable() for value in values)


def names_our_resource(asked: QueryDict) -> bool:
    """Whether an authorization or token request is for /mcp, or does not say for what."""
    return {uri.rstrip("/") for uri in asked.getlist("resource")} <= {oauth.resource()}


def host_of(redirect_uri: str) -> str:
    """Return where a code is sent: a host, or an app's scheme; "" for this computer."""
    parts = urlsplit(redirect_uri)
    if parts.scheme not in {"http", "https"}:
        return f"{parts.scheme}:"
    return "" if parts.hostname in LOOPBACK else str(parts.netloc)


def source_of(redirect_uri: str) -> str:
    """Return the source expression of a redirect URI for a Content-Security-Policy."""
    parts = urlsplit(redirect_uri)
    if parts.scheme not in {"http", "https"}:
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


def _redirect_uris(sent: Any) -> list[str]:
    if not isinstance(sent, list) or not 0 < len(sent) <= MOST_URIS:
        raise BadMetadata("invalid_redirect_uri", f"Send 1 to {MOST_URIS} redirect_uris.")
    for uri in sent:
        if not isinstance(uri, str) or len(uri) > URI_MAX or not is_allowed(uri):
            raise BadMetadata(
                "invalid_redirect_uri",
                "A redirect URI is https, http on localhost, or the scheme of an app; without"
                " fragment, password and *.",
            )
    return list(dict.fromkeys(sent))


def is_allowed(uri: str) -> bool:
    """Whether a code may be sent to this address, and a page can show to whom that is."""
    if not uri.isascii() or not uri.isprintable() or set(uri) & set(" \\\"'<>^`{|}*;,"):
        return False
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018 - raises for one that is no number
    except ValueError:
        return False
    return not (parts.fragment or "#" in uri or "@" in parts.netloc) and _leads_to_a_client(parts)


def _leads_to_a_client(parts: SplitResult) -> bool:
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme == "http":
        return parts.hostname in LOOPBACK
    return bool(SCHEME.fullmatch(parts.scheme)) and parts.scheme not in NOT_OF_APPS


def _name(sent: Any, redirect_uri: str) -> str:
    if sent is not None and not isinstance(sent, str):
        raise BadMetadata("invalid_client_metadata", "client_name is a text.")
    shown = "".join(char for char in sent or "" if char.isprintable()).strip()
    return (shown or host_of(redirect_uri) or "An app")[: oauth.NAME_MAX]


def _scopes(sent: Any) -> list[str]:
    """The scopes of ours that a client asks for; all of them if it asks for none of ours."""
    if sent is not None and not isinstance(sent, str):
        raise BadMetadata("invalid_client_metadata", "scope is a text of words.")
    asked = (sent or "").split()
    return [scope for scope in oauth.SCOPES if scope in asked] or list(oauth.SCOPES)
