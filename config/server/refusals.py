"""Answers that are given before Django sees a request, with the headers of all other answers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.shortcuts import resolve_url

from config.http.headers import POLICY
from config.lib.api import envelope

Header = tuple[bytes, bytes]
Headers = Iterable[Header]

DETAIL = {
    401: "Not authenticated",
    403: "This API key may not be used from your IP address.",
    408: "Request timeout",
    413: "Payload too large",
    503: "Service unavailable",
}
# Addresses that programs and scripts call; people open all others in a browser.
FOR_PROGRAMS = (
    *("/api/", "/v1/", "/mcp", "/oauth/", "/sandbox/", "/health", "/livez", "/readyz"),
    "/studio/reference/",
)


@dataclass(frozen=True)
class Refusal:
    """A whole answer; its status is 303 where a browser is sent to the sign-in page."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def refusal_response(status: int, scope: Mapping[str, Any] | None = None) -> Refusal:
    """Return the answer that refuses a request with a status of DETAIL.

    It is JSON for programs, and for a page short HTML or, with 401, the way to the sign-in page.
    `scope` is the ASGI scope of the request: its path, scheme and headers, if they are known.
    """
    is_page = scope is not None and not scope["path"].startswith(FOR_PROGRAMS)
    headers: list[tuple[bytes, bytes]] = []
    if status == 401 and is_page:
        status, kind, body = 303, b"text/html; charset=utf-8", b""
        headers.append((b"location", resolve_url(settings.LOGIN_URL).encode()))
    elif is_page:
        detail = DETAIL[status]
        kind = b"text/html; charset=utf-8"
        body = f"<!doctype html><title>{detail}</title><h1>{detail}</h1>".encode()
    else:
        kind, body = b"application/json", json.dumps(_json(status, scope)).encode()
    headers += [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"private, no-store"),
        (b"x-request-id", uuid4().hex.encode()),
        *security_headers(),
    ]
    if scope is not None:
        headers += [*_https_headers(scope), *_cors_headers(scope)]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 503:
        headers.append((b"retry-after", b"30"))
    return Refusal(status, headers, body)


def _json(status: int, scope: Mapping[str, Any] | None) -> dict[str, Any]:
    code = "address_not_allowed" if status == 403 else None
    if scope is not None and envelope.applies_to(scope["path"]):
        return envelope.body(status, DETAIL[status], code=code)
    return {"detail": DETAIL[status], **({"code": code} if code else {})}


def json_refusal(detail: str) -> tuple[list[Header], bytes]:
    """Return headers and body of a JSON answer with a sentence of its own."""
    body = json.dumps({"detail": detail}).encode()
    length = (b"content-length", str(len(body)).encode())
    kept = (b"cache-control", b"private, no-store")
    return [(b"content-type", b"application/json"), length, kept], body


def security_headers() -> Headers:
    """Yield the security headers of every answer."""
    yield b"content-security-policy", POLICY.encode()
    yield b"cross-origin-opener-policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY.encode()
    yield b"referrer-policy", settings.SECURE_REFERRER_POLICY.encode()
    yield b"x-content-type-options", b"nosniff"
    yield b"x-frame-options", settings.X_FRAME_OPTIONS.encode()


def _https_headers(scope: Mapping[str, Any]) -> Headers:
    forwarded = _header(scope, b"x-forwarded-proto") if settings.TRUSTED_PROXIES else b""
    is_secure = scope.get("scheme") == "https" or forwarded == b"https"
    if is_secure and settings.SECURE_HSTS_SECONDS:
        yield b"strict-transport-security", f"max-age={settings.SECURE_HSTS_SECONDS}".encode()


def _cors_headers(scope: Mapping[str, Any]) -> Headers:
    """Let the pages of configured origins read why their request was refused."""
    if scope["path"].startswith(("/api/", "/v1/")):
        yield b"vary", b"origin"
        origin = _header(scope, b"origin")
        if origin.decode("latin-1") in settings.CORS_ALLOWED_ORIGINS:
            yield b"access-control-allow-origin", origin
            exposed = ", ".join(settings.CORS_EXPOSE_HEADERS)
            yield b"access-control-expose-headers", exposed.encode()


def _header(scope: Mapping[str, Any], wanted: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == wanted), b"")
