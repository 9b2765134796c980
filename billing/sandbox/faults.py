"""Faults for the next API calls: what a network and a busy provider do to a client.

| Kind | What the client sees | What happened |
|---|---|---|
| `drop_before` | the connection closes unanswered | nothing |
| `drop_after` | the connection closes unanswered | the request was carried out |
| `cut` | an answer that breaks off | the request was carried out |
| `409` | 409 idempotency_key_in_use | nothing |
| `429` | 429 rate_limit | nothing |
| `500` | 500 api_error | nothing; a retry is carried out |
| `500_after` | 500 api_error, also for every retry | the request was carried out |
"""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from billing.sandbox import store
from billing.sandbox.database import Books
from billing.sandbox.request_parsing import Refused

KINDS = ("drop_before", "drop_after", "cut", "409", "429", "500", "500_after")
ROUTES = (
    *("sessions", "sessions.list", "session", "session.expire"),
    *("refunds", "refunds.list", "refund", "refund.update"),
    *("payment_intent", "charge", "dispute", "event", "events.list"),
)


class ConnectionDropped(Exception):
    """Breaks a response off under WSGI, where an exception is the only way."""


def next(route: str, kind: str, times: int = 1) -> None:
    """Let the next `times` calls of a route fail; faults of one route strike in their order."""
    if kind not in KINDS or route not in ROUTES:
        raise ValueError(f"expected one of {ROUTES} and of {KINDS}, not {route!r}, {kind!r}")
    with store.writing() as connection:
        connection.executemany(
            "INSERT INTO fault (route, kind) VALUES (?, ?)", [(route, kind)] * times
        )


def strike(books: Books, route: str) -> str | None:
    """Take the oldest fault of a route out of the queue."""
    row = books.connection.execute(
        "DELETE FROM fault WHERE sequence = (SELECT MIN(sequence) FROM fault WHERE route = ?)"
        " RETURNING kind",
        (route,),
    ).fetchone()
    return row["kind"] if row else None


def pending(books: Books) -> list[tuple[str, str]]:
    rows = books.connection.execute("SELECT route, kind FROM fault ORDER BY sequence")
    return [(row["route"], row["kind"]) for row in rows]


def refusal(kind: str) -> Refused | None:
    """Return the error of a kind that is one."""
    if kind == "409":
        return Refused(
            409,
            "There is currently another in-progress request using this Idempotency Key.",
            code="idempotency_key_in_use",
            type="idempotency_error",
        )
    if kind == "429":
        return Refused(429, "Request rate limit exceeded.", code="rate_limit")
    if kind.startswith("500"):
        return Refused(500, "An unknown error occurred.", type="api_error")
    return None


def hang_up(request: HttpRequest) -> HttpResponseBase:
    """Close the client's connection before a single byte is answered.

    No server lets a view do that, so the socket is looked up among this process's own by the
    client's address. Behind a proxy it is another, and the answer breaks off instead.
    """
    peer = str(request.META.get("REMOTE_ADDR")), str(request.META.get("REMOTE_PORT"))
    for number in _open_files():
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as connection:
                if tuple(map(str, connection.getpeername()[:2])) == peer:
                    connection.shutdown(socket.SHUT_RDWR)
                    return HttpResponse(status=500)  # nobody reads it
        except OSError:
            continue  # closed meanwhile, or not connected
    return cut_off(request)


def _open_files() -> list[int]:
    for directory in (Path("/proc/self/fd"), Path("/dev/fd")):
        if directory.is_dir():
            return [int(file.name) for file in directory.iterdir()]
    return []


def cut_off(request: HttpRequest, first: bytes = b"") -> HttpResponseBase:
    """Return an answer that promises more than `first` and then breaks the connection."""
    body = _broken_off_async(first) if isinstance(request, ASGIRequest) else _broken_off(first)
    response = StreamingHttpResponse(body, content_type="application/json")
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
