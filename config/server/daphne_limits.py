"""Body limits under daphne, which collects a whole body before it calls an ASGI application.

daphne offers no hook for that, so this module replaces its request class by a subclass and reads
private attributes of Twisted: `Request._parsePOSTFormSubmission` and `HTTPChannel._path`. Only a
process that daphne itself serves imports this module; uvicorn needs only
`config.server.body_limits`.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from daphne import http_protocol
from django.conf import settings
from django.db import connections

from config.server import body_limits
from config.server.refusals import refusal_response

PHRASE = {
    303: b"See Other",
    401: b"Unauthorized",
    403: b"Forbidden",
    413: b"Content Too Large",
    503: b"Service Unavailable",
}


class LimitedRequest(http_protocol.WebRequest):  # type: ignore[misc]
    """daphne's request, which checks the limits while a body arrives and leaves forms to Django."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Twisted would parse any multipart body in memory, also without credentials.
        self._parsePOSTFormSubmission = False
        self._size, self._refused, self._is_signed_in = 0, False, False

    def gotLength(self, length: int | None) -> None:  # noqa: N802 - Twisted's name
        super().gotLength(length)
        self._check(length or 0)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        self._size += len(data)
        self._check(self._size)
        if not self._refused:
            super().handleContentChunk(data)

    def requestReceived(self, *args: Any) -> None:  # noqa: N802
        if not self._refused:
            super().requestReceived(*args)

    def _check(self, size: int) -> None:
        scope = self._scope()
        path, status = scope["path"], 0
        if self._refused or not body_limits.needs_credentials(path, size):
            return
        if body_limits.is_too_large(path, size):
            status = 413
        elif not self._is_signed_in:
            # This is a server for development: it may wait for the database.
            with ThreadPoolExecutor(1) as thread:
                status = thread.submit(_credentials_status, scope).result()
            self._is_signed_in = not status
        if status:
            self._refused = True
            self._refuse(status, scope)

    def _scope(self) -> dict[str, Any]:
        """Return what `refusals` reads of an ASGI scope."""
        named = self.requestHeaders.getAllRawHeaders()
        peer = self.channel.transport.getPeer()
        return {
            "path": self.channel._path.split(b"?", 1)[0].decode("latin-1"),
            "scheme": "http",
            "client": (getattr(peer, "host", ""), 0),
            "headers": [(name.lower(), value) for name, values in named for value in values],
        }

    def _refuse(self, status: int, scope: dict[str, Any]) -> None:
        self.requestHeaders.removeHeader(b"expect")
        refusal = refusal_response(status, scope)
        lines = [b"HTTP/1.1 %d %s" % (refusal.status, PHRASE[refusal.status])]
        lines += [b"%s: %s" % header for header in refusal.headers]
        self.channel.transport.write(b"\r\n".join([*lines, b"", refusal.body]))
        asyncio.get_running_loop().call_later(
            settings.BODY_LINGER_SECONDS, self.channel.loseConnection
        )


def _credentials_status(scope: dict[str, Any]) -> int:
    try:
        return body_limits.credentials_status(scope)
    finally:
        connections.close_all()


def install() -> None:
    """Make daphne use the request class above; call it before daphne serves."""
    http_protocol.WebRequest = LimitedRequest
