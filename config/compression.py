"""Pages leave compressed; files, streams and JSON go as they are."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class Pages(GZipMiddleware):
    """Gzip with Django's random padding, so that the length tells nothing of a secret."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        page = response.headers.get("Content-Type", "").startswith("text/html")
        if response.streaming or not page:
            return response
        return super().process_response(request, response)
