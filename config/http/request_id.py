"""Request ids: in the header X-Request-ID of every answer, and in every log line."""

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase

from config.lib import tracing

VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
current: ContextVar[str] = ContextVar("request_id", default="-")
# Each is called with the id of every request when it begins.
listeners: list[Callable[[str], None]] = []


def request_id_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Take the client's id when it is well formed, else a new one. The outermost middleware."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if VALID_ID.fullmatch(sent) else uuid4().hex
        # Django logs an answer of 4xx when this function has returned; the filter finds it here.
        request.META["firstlight.request_id"] = request_id
        token = current.set(request_id)
        for listener in listeners:
            listener(request_id)
        try:
            response = get_response(request)
        finally:
            current.reset(token)
        response.headers["X-Request-ID"] = request_id
        return response

    return answer


class RequestIdFilter(logging.Filter):
    """Add `request_id` to every log record, "-" outside a request, and `trace_id`, or ""."""

    def filter(self, record: logging.LogRecord) -> bool:
        meta = getattr(getattr(record, "request", None), "META", {})
        record.request_id = meta.get("firstlight.request_id", current.get())
        record.trace_id = tracing.trace_id()
        return True
