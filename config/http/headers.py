"""Headers of every answer: Content-Security-Policy, RateLimit-* and Cache-Control."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponseBase

from config.lib.api import envelope
from config.lib.web import framing

# The page a browser may post to besides our own.
CHECKOUT = "https://checkout.stripe.com"


def content_security_policy(posts_to: str = "") -> str:
    """The policy of our pages; media may also come from the CDN and the bucket.

    `posts_to` is one more place where the answer to a form may lead.
    """
    media = " ".join(filter(None, (settings.CDN_URL, _bucket_origin())))
    google = _origin(settings.GOOGLE_AUTHORIZE_URL) if settings.GOOGLE_CLIENT_ID else ""
    directives = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        f"img-src 'self' data: blob: {media}",
        f"media-src 'self' blob: {media}",
        "connect-src 'self'",
        "manifest-src 'self'",
        # Browsers check the redirect after a POST too.
        f"form-action 'self' {CHECKOUT} {google} {posts_to}".rstrip(),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(map(str.rstrip, directives))


def _bucket_origin() -> str:
    storage: Any = default_storage
    return storage.origin if settings.S3_BUCKET else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


POLICY = content_security_policy()


def headers_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        posts_to = getattr(request, "posts_to", "")
        policy = content_security_policy(posts_to) if posts_to else POLICY
        if framing.may_be_framed(request):
            policy = policy.replace("frame-ancestors 'none'", "frame-ancestors *")
        response.headers.setdefault("Content-Security-Policy", policy)
        if verdict := getattr(request, "rate_limit", None):
            response.headers["RateLimit-Limit"] = str(verdict.rate.limit)
            response.headers["RateLimit-Remaining"] = str(verdict.remaining)
            response.headers["RateLimit-Reset"] = str(verdict.reset)
        if envelope.applies_to(request.path):
            _add_names_of_openai(response)
        if request.path.startswith(("/api/", "/v1/")):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return answer


def _add_names_of_openai(response: HttpResponseBase) -> None:
    """Add the rate limit under the names that the SDKs of OpenAI read; a time ends in its unit."""
    if "RateLimit-Limit" in response.headers:
        for name in ("Limit", "Remaining"):
            text = response.headers[f"RateLimit-{name}"]
            response.headers[f"x-ratelimit-{name.lower()}-requests"] = text
        response.headers["x-ratelimit-reset-requests"] = f"{response.headers['RateLimit-Reset']}s"
