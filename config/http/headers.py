"""Headers of every answer: Content-Security-Policy, RateLimit-* and Cache-Control."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

CDN = f" {settings.CDN_URL}" if settings.CDN_URL else ""
_url = urlsplit(settings.GOOGLE_AUTHORIZE_URL)
GOOGLE = f"{_url.scheme}://{_url.netloc}" if settings.GOOGLE_CLIENT_ID else ""
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        f"img-src 'self' data: blob:{CDN}",
        f"media-src 'self' blob:{CDN}",
        "connect-src 'self'",
        # Browsers check the redirect after a POST too.
        f"form-action 'self' https://checkout.stripe.com {GOOGLE}".rstrip(),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def headers_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        if verdict := getattr(request, "rate_limit", None):
            response.headers["RateLimit-Limit"] = str(verdict.rate.limit)
            response.headers["RateLimit-Remaining"] = str(verdict.remaining)
            response.headers["RateLimit-Reset"] = str(verdict.reset)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return answer
