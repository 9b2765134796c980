"""The API's reference: its schema, and two ways to read it, from our own server."""

from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.views.decorators.http import require_safe
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
REDOC_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"


class SchemaView(SpectacularJSONAPIView):
    """GET /api/schema: OpenAPI 3 as JSON."""

    schema = None


class SwaggerView(SpectacularSwaggerSplitView):
    """GET /api/docs: the schema to read and to try."""

    schema = None
    url_name = "api-schema"
    template_name = "reference/swagger.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return _relaxed(super().get(request, *args, **kwargs))  # type: ignore[no-untyped-call]


class RedocView(SpectacularRedocView):
    """GET /api/redoc: the schema to read."""

    schema = None
    url_name = "api-schema"
    template_name = "reference/redoc.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return _relaxed(super().get(request, *args, **kwargs))  # type: ignore[no-untyped-call]


@cache
def _redoc() -> bytes:
    """Redoc itself, with our own mark where it would ask its maker's server for a picture."""
    found = finders.find("drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js")
    assert isinstance(found, str)
    return Path(found).read_bytes().replace(REDOC_LOGO, static("img/mark.svg").encode())


@require_safe
def redoc_script(request: HttpRequest) -> HttpResponse:
    headers = {"Cache-Control": "public, max-age=86400"}
    return HttpResponse(_redoc(), content_type="text/javascript", headers=headers)


def _relaxed(response: Response) -> Response:
    response["Content-Security-Policy"] = POLICY
    return response
