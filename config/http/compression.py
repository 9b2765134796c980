"""Text a browser shows leaves compressed; films, pictures and JSON go as they are."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TYPES = ("text/html", "text/css", "text/javascript", "image/svg+xml")


class Text(GZipMiddleware):
    """Gzip with Django's random padding, so that a secret is hard to guess by the length.

    Production's static files come compressed already and are left alone.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "")
        if response.status_code == 206 or not kind.startswith(TYPES):
            return response
        return super().process_response(request, response)
