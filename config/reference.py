"""The API's reference: its schema, and two ways to read it, from our own server."""

from typing import Any

from drf_spectacular.views import (
    SpectacularJSONAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.request import Request
from rest_framework.response import Response

# Both readers draw with styles of their own making; scripts come from files here all the same.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


class SchemaJSON(SpectacularJSONAPIView):
    """GET /api/schema: OpenAPI 3 as JSON."""

    schema = None


class Swagger(SpectacularSwaggerSplitView):
    """GET /api/docs: the schema to read and to try."""

    schema = None
    url_name = "api-schema"
    template_name = "reference/swagger.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return _relaxed(super().get(request, *args, **kwargs))  # type: ignore[no-untyped-call]


class Redoc(SpectacularRedocView):
    """GET /api/redoc: the schema to read."""

    schema = None
    url_name = "api-schema"
    template_name = "reference/redoc.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return _relaxed(super().get(request, *args, **kwargs))  # type: ignore[no-untyped-call]


def _relaxed(response: Response) -> Response:
    response["Content-Security-Policy"] = POLICY
    return response
