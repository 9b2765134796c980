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

log = logging.getLogger(__name__)

# The names that such parts have in config/urls.py and in allauth's URLs.
SECRET_PARTS = {"token", "key", "uidb36"}


def access_log_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Log each request. Runs inside request_id_middleware. Raises MiddlewareNotUsed when off."""
    if not settings.ACCESS_LOG:
        raise MiddlewareNotUsed

    def answer(request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter()
        response = get_response(request)
        facts = {
            "method": request.method,
            "path": _without_secrets(request),
            "status": response.status_code,
            "ms": round((time.perf_counter() - start) * 1000),
        }
        log.info("%(method)s %(path)r %(status)s %(ms)s ms", facts, extra={"facts": facts})
        return response

    return answer


def _without_secrets(request: HttpRequest) -> str:
    """Return the path of a request with `[hidden]` in place of its secret parts."""
    path, found = request.path, request.resolver_match
    for name, value in found.kwargs.items() if found else ():
        if name in SECRET_PARTS:
            path = path.replace(str(value), "[hidden]")
    return path
