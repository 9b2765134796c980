"""The log of API calls that users see: every call made with a token or an API key.

The query string is left out, as in the access log. Calls with the cookie of the pages, and those of
nobody, are not logged. Those of /mcp, which Django does not answer, log themselves.
"""

import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from accounts.models import ApiRequest
from accounts.request_log import buffer
from config.http import request_id
from config.http.secret_paths import without_secrets

PREFIXES = ("/api/", "/v1/")


def request_log_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Log each call. Runs inside request_id_middleware. Raises MiddlewareNotUsed when off."""
    if not settings.REQUEST_LOG:
        raise MiddlewareNotUsed

    def answer(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PREFIXES):
            return get_response(request)
        start, charges = time.perf_counter(), buffer.begin_charges()
        response = get_response(request)
        # Set where a token or a key was read, also when the call is refused then.
        if caller := getattr(request, "caller", None):
            user_id, api_key_id = buffer.caller_of(caller)
            logged = ApiRequest(
                user_id=user_id,
                api_key_id=api_key_id,
                method=str(request.method),
                path=without_secrets(request),
                status=response.status_code,
                took_ms=round((time.perf_counter() - start) * 1000),
                credits=charges.credits,
                request_id=request_id.current.get(),
                created_at=timezone.now(),
            )
            buffer.add(logged)
        return response

    return answer
