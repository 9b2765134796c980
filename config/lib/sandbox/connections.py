"""Broken connections on purpose: answers that end too early, and connections closed unanswered."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase


class ConnectionDropped(Exception):
    """Ends a response early under WSGI, where raising is the only way."""


def truncate(
    request: HttpRequest, sent: bytes = b"", content_type: str = "application/json"
) -> StreamingHttpResponse:
    """Return a response that sends only `sent` of the longer body its Content-Length announces.

    Django has no portable way to close a socket without an answer. A body shorter than its
    Content-Length is an error to every client, and the exception makes the server close.
    """
    body = _truncated_async(sent) if isinstance(request, ASGIRequest) else _truncated(sent)
    response = StreamingHttpResponse(body, content_type=content_type)
    response["Content-Length"] = str(2 * len(sent) + 1)
    return response


async def _truncated_async(sent: bytes) -> AsyncIterator[bytes]:
    if sent:
        yield sent
    # Django's handler takes this for a client that left and returns without finishing, upon
    # which the server closes; any other exception would fill the log with a traceback.
    raise asyncio.CancelledError


def _truncated(sent: bytes) -> Iterator[bytes]:
    if sent:
        yield sent
    raise ConnectionDropped


def close(request: HttpRequest) -> HttpResponseBase:
    """Close the client's connection before a single byte is answered.

    No server lets a view do that, so the socket is looked up among this process's own by both its
    ends: one port of a client may be connected to several of our servers. Behind a proxy it is not
    found, and the answer is truncated instead.
    """
    names = ("REMOTE_ADDR", "REMOTE_PORT", "SERVER_PORT")
    wanted = tuple(str(request.META.get(name)) for name in names)
    for number in _open_files():
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as connection:
                # A UNIX socket has a path in place of address and port.
                ends = *connection.getpeername()[:2], *connection.getsockname()[1:2]
                if tuple(map(str, ends)) == wanted:
                    connection.shutdown(socket.SHUT_RDWR)
                    return HttpResponse(status=500)  # nobody reads it
        except OSError:
            continue  # closed meanwhile, or not connected
    return truncate(request)


def _open_files() -> list[int]:
    for directory in (Path("/proc/self/fd"), Path("/dev/fd")):
        if directory.is_dir():
            return [int(file.name) for file in directory.iterdir()]
    return []
