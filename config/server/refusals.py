"""Answers that are given before Django sees a request, with the headers of all other answers."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

from django.conf import settings

from config.http.headers import POLICY

Headers = Iterable[tuple[bytes, bytes]]

DETAIL = {
    401: "Not authenticated",
    408: "Request timeout",
    413: "Payload too large",
    503: "Service unavailable",
}


def refusal_response(
    status: int, scope: Mapping[str, Any] | None = None
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the headers and the JSON body of a refusal with a status of DETAIL.

    `scope` is the ASGI scope of the request: its path, scheme and headers, if they are known.
    """
    body = json.dumps({"detail": DETAIL[status]}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"private, no-store"),
        (b"x-request-id", uuid4().hex.encode()),
        *_security_headers(),
    ]
    if scope is not None:
        headers += [*_https_headers(scope), *_cors_headers(scope)]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 503:
        headers.append((b"retry-after", b"30"))
    return headers, body


def _security_headers() -> Headers:
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
    if scope["path"].startswith("/api/"):
        yield b"vary", b"origin"
        origin = _header(scope, b"origin")
        if origin.decode("latin-1") in settings.CORS_ALLOWED_ORIGINS:
            yield b"access-control-allow-origin", origin
            exposed = ", ".join(settings.CORS_EXPOSE_HEADERS)
            yield b"access-control-expose-headers", exposed.encode()


def _header(scope: Mapping[str, Any], wanted: bytes) -> bytes:
    return next((value for name, value in scope["headers"] if name == wanted), b"")
