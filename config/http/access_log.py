"""Access log: one line a request with method, path, status and milliseconds.

The query string is left out, because it may hold signatures and search words. Parts of a path that
open something for whoever has them, such as the token of a share link, are left out too.
"""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from config.http.secret_paths import without_secrets

log = logging.getLogger(__name__)


def access_log_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Log each request. Runs inside request_id_middleware. Raises MiddlewareNotUsed when off."""
    if not settings.ACCESS_LOG:
        raise MiddlewareNotUsed

    def answer(request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter()
        response = get_response(request)
        took = time.perf_counter() - start
        write(str(request.method), without_secrets(request), response.status_code, took)
        return response

    return answer


def write(method: str, path: str, status: int, seconds: float) -> None:
    """Write the line of one request."""
    facts = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000)}
    log.info("%(method)s %(path)r %(status)s %(ms)s ms", facts, extra={"facts": facts})
