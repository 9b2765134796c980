"""GET /health: whether this process can serve, for load balancers and start scripts."""

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse

from videos.jobs import circuit_breaker


def health(request: HttpRequest) -> JsonResponse:
    """200 while the database answers; a failure answers 500 by itself.

    Degraded: an engine gets no orders at the moment. Which one and why is for staff.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    status = "degraded" if circuit_breaker.any_open() else "ok"
    return JsonResponse({"status": status, "version": settings.VERSION})
