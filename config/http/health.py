"""GET /health for load balancers and start scripts."""

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse

from videos.jobs import circuit_breaker


def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the database answers; otherwise the exception becomes a 500.

    "degraded" means that an engine gets no orders at the moment; staff see which one and why.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    status = "degraded" if circuit_breaker.any_open() else "ok"
    return JsonResponse({"status": status, "version": settings.VERSION})
