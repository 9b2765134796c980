"""One span for each request, named by its route.

A trace begins here: a header of a client decides nothing.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase

from config.http import request_id
from config.http.metrics import route_of
from config.lib import tracing


def tracing_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Trace each request. Runs inside request_id_middleware. Raises MiddlewareNotUsed when off."""
    if not settings.OTLP_ENDPOINT:
        raise MiddlewareNotUsed

    def answer(request: HttpRequest) -> HttpResponseBase:
        method = str(request.method)
        with tracing.span(method, request_id=request_id.current.get()) as span:
            response = get_response(request)
            if span is not None:
                route = route_of(request)
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", response.status_code)
            return response

    return answer
