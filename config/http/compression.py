"""Compress pages, styles, scripts and SVG; other types are sent as they are."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TYPES = ("text/html", "text/css", "text/javascript", "image/svg+xml")


class TextGZipMiddleware(GZipMiddleware):
    """Django's gzip for text; its random padding protects secrets from guessing by length (BREACH).

    In production static files are compressed already and stay as they are.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "")
        if response.status_code == 206 or not kind.startswith(TYPES):
            return response
        return super().process_response(request, response)
