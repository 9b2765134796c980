"""uvicorn, stopped in order.

    signal            /readyz answers 503, workers begin nothing new
    DRAIN_SECONDS     later the port is closed, sockets are closed with 1012, running requests go on
    SHUTDOWN_SECONDS  later at most, what still runs is cancelled

A second signal ends all of that at once.
"""

import asyncio
import os
import signal
import socket
import threading
import time
from types import FrameType

import uvicorn
from django.conf import settings

from config.lib import draining, liveness
from config.server.header_limits import LimitedProtocol

# For closing connections and joining threads after everything was cancelled.
LAST_SECONDS = 2.0


class Server(uvicorn.Server):
    """A uvicorn server that lets running requests end."""

    _closes_at: float | None = None

    @property
    def seconds_left(self) -> float:
        """Return how long the process may still work, from LAST_SECONDS upwards."""
        if self._closes_at is None or self.force_exit:
            return LAST_SECONDS
        return max(self._closes_at + settings.SHUTDOWN_SECONDS - time.monotonic(), LAST_SECONDS)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, or stop at once when that has begun. Unlike uvicorn, raise no signal."""
        if draining.stopping.is_set():
            self.force_exit = self.should_exit = True
            _end_process_after(LAST_SECONDS)
            return
        draining.stopping.set()
        # Ctrl-C is pressed by somebody who waits, not by a load balancer.
        pause = 0.0 if sig == signal.SIGINT else settings.DRAIN_SECONDS
        self._closes_at = time.monotonic() + pause
        # A view that never returns would hold up the end of its thread.
        _end_process_after(pause + settings.SHUTDOWN_SECONDS + 2 * LAST_SECONDS)

    async def on_tick(self, counter: int) -> bool:
        liveness.note_turn("requests")
        if self._closes_at is not None and time.monotonic() >= self._closes_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await draining.prepare_to_close()
        closing = asyncio.create_task(super().shutdown(sockets))
        while not closing.done() and not self.force_exit:
            await asyncio.wait([closing], timeout=0.1)
        if self.force_exit:
            for connection in list(self.server_state.connections):
                connection.transport.abort()
        await closing


def configuration() -> uvicorn.Config:
    """Return how this process serves."""
    return uvicorn.Config(
        "config.asgi:application",
        host=settings.BIND,
        port=settings.PORT,
        http=LimitedProtocol,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.SHUTDOWN_SECONDS,
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        # Events are short; compressing them would take 40 KiB for each connection.
        ws_per_message_deflate=False,
        # Proxies close a connection on which nothing was sent for a minute.
        ws_ping_interval=45.0,
    )


def _end_process_after(seconds: float) -> None:
    timer = threading.Timer(seconds, os._exit, [1])
    timer.daemon = True
    timer.start()
