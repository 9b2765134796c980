"""Limits of request headers: a client that begins a request has to finish its header in time.

The parser has no limit of its own for what it has not passed on yet: a header that is not complete,
the extension of a chunk, or what follows the last chunk.
"""

import asyncio

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from config.server.refusals import refusal_response

MAX_HEADER_BYTES = 64 * 1024
STATUS_LINES = {
    408: b"HTTP/1.1 408 Request Timeout",
    431: b"HTTP/1.1 431 Request Header Fields Too Large",
}


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which waits HEADER_SECONDS for a header, however slowly it arrives.

    A connection on which nothing was sent is closed; one with half a header gets 408 first, and one
    with a header above MAX_HEADER_BYTES gets 431.
    """

    _header_timer: asyncio.TimerHandle | None = None
    _has_begun = False
    # Bytes that arrived since the parser last passed on a header or a part of a body.
    _unread_bytes = 0
    _passed_on = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_header()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._has_begun, self._passed_on = True, False
        super().data_received(data)
        self._unread_bytes = 0 if self._passed_on else self._unread_bytes + len(data)
        if self._unread_bytes > MAX_HEADER_BYTES:
            self._refuse(431)
        if self._is_between_requests():
            self._wait_for_header()
        else:
            self._stop_waiting()

    def on_headers_complete(self) -> None:
        self._passed_on = True
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MAX_HEADER_BYTES:
            self._refuse(431)
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._passed_on = True
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._passed_on = True
        if not self.transport.is_closing():
            super().on_message_complete()

    def _is_between_requests(self) -> bool:
        is_ours = self.transport.get_protocol() is self  # not a WebSocket by now
        return is_ours and (self.cycle is None or self.cycle.response_complete)

    def _wait_for_header(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(settings.HEADER_SECONDS, self._time_out)

    def _stop_waiting(self) -> None:
        self._has_begun = False
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _time_out(self) -> None:
        if self.transport.is_closing():
            return
        if self._has_begun:
            self._refuse(408)
        self.transport.close()

    def _refuse(self, status: int) -> None:
        if self.transport.is_closing():
            return
        refusal = refusal_response(status)
        lines = [b"%s: %s" % header for header in refusal.headers]
        self.transport.write(b"\r\n".join([STATUS_LINES[status], *lines, b"", refusal.body]))
        self.transport.close()
