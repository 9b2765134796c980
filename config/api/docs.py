"""The reference of the API: the OpenAPI document, Swagger UI and Redoc, from our own server."""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.utils.translation import get_language, override
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import (
    SpectacularJSONAPIView,
    SpectacularRedocView,
    SpectacularSwaggerSplitView,
)
from rest_framework.request import Request
from rest_framework.response import Response

from videos.api import order_choices

# Swagger UI and Redoc need inline styles; their scripts come from our own server.
CONTENT_SECURITY_POLICY = "; ".join(
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


class CachedGenerator(SchemaGenerator):
    """Generates the document once per language and catalog: it says nothing about who asks."""

    def get_schema(self, request: Request | None = None, public: bool = False) -> Any:
        # `?lang=` is not checked before; a language we do not have must not be kept here.
        language = get_language() or ""
        return _document(
            language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE,
            (settings.BASE_URL, *order_choices.state()),
        )


# Tests and languages have several documents; a process that serves has one per language.
@lru_cache(maxsize=16)
def _document(language: str, facts: tuple[object, ...]) -> Any:
    with override(language):
        return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


class SchemaView(SpectacularJSONAPIView):
    """GET /api/schema and /openapi.json: the OpenAPI 3 document as JSON."""

    schema = None
    generator_class = CachedGenerator


class SwaggerView(SpectacularSwaggerSplitView):
    """GET /api/docs: Swagger UI, to read the document and to try calls."""

    schema = None
    url_name = "api-schema"
    template_name = "reference/swagger.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return _with_policy(super().get(request, *args, **kwargs))  # type: ignore[no-untyped-call]


class RedocView(SpectacularRedocView):
    """GET /api/redoc: Redoc, to read the document."""

    schema = None
    url_name = "api-schema"
    template_name = "reference/redoc.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return _with_policy(super().get(request, *args, **kwargs))  # type: ignore[no-untyped-call]


@cache
def _redoc_source() -> bytes:
    """Return Redoc's script with our own logo instead of one from its maker's server."""
    found = finders.find("drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js")
    assert isinstance(found, str)
    return Path(found).read_bytes().replace(REDOC_LOGO, static("img/mark.svg").encode())


@require_safe
def redoc_script(request: HttpRequest) -> HttpResponse:
    headers = {"Cache-Control": "public, max-age=86400"}
    return HttpResponse(_redoc_source(), content_type="text/javascript", headers=headers)


def _with_policy(response: Response) -> Response:
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
