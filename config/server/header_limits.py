"""Limits of request headers: a client that begins a request has to finish its header in time."""

import asyncio

from django.conf import settings
from uvicorn.protocols.http.h11_impl import H11Protocol

from config.server.refusals import refusal_response


class LimitedProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which waits HEADER_SECONDS for a header, however slowly it arrives.

    A connection on which nothing was sent is closed; one with half a header gets 408 first.
    """

    _header_timer: asyncio.TimerHandle | None = None
    _has_begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_header()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._has_begun = True
        super().data_received(data)
        if self._is_between_requests():
            self._wait_for_header()
        else:
            self._stop_waiting()

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
            refusal = refusal_response(408)
            lines = [b"%s: %s" % header for header in refusal.headers]
            start = b"HTTP/1.1 408 Request Timeout"
            self.transport.write(b"\r\n".join([start, *lines, b"", refusal.body]))
        self.transport.close()
