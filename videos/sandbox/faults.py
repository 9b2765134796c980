"""Answers that are wrong on purpose: error statuses, web pages and broken connections."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from videos.sandbox.request_parsing import Refused

PAGE = "<!doctype html><title>Just a moment...</title><h1>Checking your browser</h1>"
CODES = {
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("invalid_request_error", "billing_hard_limit_reached"),
    429: ("requests", "rate_limit_exceeded"),
}


class ConnectionDropped(Exception):
    """Breaks a response off under WSGI, where an exception is the only way."""


def refusal(status: int, retry_after: str | None = None) -> Refused:
    """Return the error the API would send with a status."""
    type_, code = CODES.get(status, ("invalid_request_error", None))
    if status >= 500:
        type_ = "server_error"
    return Refused(
        status,
        f"The sandbox answers {status}, as the prompt asked.",
        code=code,
        type=type_,
        headers={"Retry-After": retry_after} if retry_after else None,
    )


def web_page() -> HttpResponse:
    """Return the 200 with HTML that a proxy puts in an API's place."""
    return HttpResponse(PAGE)


def dropped(
    request: HttpRequest, first: bytes = b"", content_type: str = "application/json"
) -> StreamingHttpResponse:
    """Return an answer that promises more than `first` and then breaks the connection.

    Django has no portable way to close a socket unanswered; a body shorter than its
    Content-Length is an error to every client, and the raise makes the server hang up.
    """
    body = _broken_off_async(first) if isinstance(request, ASGIRequest) else _broken_off(first)
    response = StreamingHttpResponse(body, content_type=content_type)
    response["Content-Length"] = str(2 * len(first) + 1)
    return response


async def _broken_off_async(first: bytes) -> AsyncIterator[bytes]:
    if first:
        yield first
    # Django's handler takes this for a client that left and returns without finishing, upon
    # which the server hangs up; any other exception would fill the log with a traceback.
    raise asyncio.CancelledError


def _broken_off(first: bytes) -> Iterator[bytes]:
    if first:
        yield first
    raise ConnectionDropped
