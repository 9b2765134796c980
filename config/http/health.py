"""GET /livez, /readyz and /health: for orchestrators, load balancers and people.

The first two are asked by machines that know the address of a process, not a host name, so they
are answered in a middleware in front of the check of the Host header.
"""

import logging
from collections.abc import Callable
from functools import cache, wraps

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from config.lib import disk, draining
from config.lib.mail import queue as emails
from videos.jobs.engine_choice import circuit_breaker

log = logging.getLogger(__name__)


def read_only(view: Callable[[HttpRequest], JsonResponse]) -> Callable[[HttpRequest], JsonResponse]:
    """Answer 405 to every method but GET and HEAD."""

    @csrf_exempt  # else a POST would be refused for its missing token
    @wraps(view)
    def answer(request: HttpRequest) -> JsonResponse:
        if request.method in ("GET", "HEAD"):
            return view(request)
        allow = {"Allow": "GET, HEAD"}
        return JsonResponse({"detail": "Method not allowed"}, status=405, headers=allow)

    return answer


def probes_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Answer /livez and /readyz."""
    probes = {"/livez": livez, "/readyz": readyz}

    def answer(request: HttpRequest) -> HttpResponseBase:
        probe = probes.get(request.path, get_response)
        return probe(request)

    return answer


@read_only
def livez(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@read_only
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when this process should get requests, else 503 with the reason."""
    if reason := _why_not_ready():
        log.warning("not ready: %s", reason)
        return JsonResponse({"detail": reason}, status=503)
    return JsonResponse({"status": "ok"})


@read_only
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 while the database answers; otherwise the exception becomes a 500.

    "degraded" means that an engine gets no orders at the moment, that a disk is full, or that
    e-mails are stuck. Staff see which engine and why, and `manage.py doctor` names the rest.
    """
    degraded = circuit_breaker.any_open() or emails.is_any_stuck() or disk.full_folders()
    status = "degraded" if degraded else "ok"
    return JsonResponse({"status": status, "version": settings.VERSION})


def _why_not_ready() -> str:
    if draining.stopping.is_set():
        return "This server is stopping."
    try:
        _ask_database()
        if not _has_all_migrations():
            return "The database is not migrated."
    except DatabaseError:
        return "The database does not answer."
    return ""


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _has_all_migrations() -> bool:
    return _known_migrations() <= set(MigrationRecorder(connection).applied_migrations())


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations or {})
