"""Headers of every answer: what a page may load, and the id to quote to support."""

import re
from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
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
        if verdict := getattr(request, "rate_limit", None):
            response.headers["RateLimit-Limit"] = str(verdict.rate.limit)
            response.headers["RateLimit-Remaining"] = str(verdict.remaining)
            response.headers["RateLimit-Reset"] = str(verdict.reset)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return answer
