"""Headers of every answer: what a page may load, and the id to quote to support."""

import re
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

CDN = f" {settings.CDN_URL}" if settings.CDN_URL else ""
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        f"img-src 'self' data: blob:{CDN}",
        f"media-src 'self' blob:{CDN}",
        "connect-src 'self'",
        "form-action 'self' https://checkout.stripe.com",  # also where a POST redirects to
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def answer(request: HttpRequest) -> HttpResponseBase:
        asked = request.headers.get("X-Request-ID", "")
        response = get_response(request)
        request_id = asked if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", asked) else uuid4().hex
        response.headers.setdefault("X-Request-ID", request_id)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return answer
