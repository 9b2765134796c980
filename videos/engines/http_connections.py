"""Kept connections to one engine for many small requests at once, in an asyncio loop.

Each request is sent once, except on a kept connection that the server had closed before it said
anything. No redirect is followed: it could lead the engine's key to any host.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from videos.engines.errors import BadAnswer, EngineError, Unavailable
from videos.engines.http_answers import Answer, AnswerReader
from videos.engines.json_api import trusted_authorities

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
# Servers and gateways close idle connections, some of them without a word.
IDLE_SECONDS = 15.0
PORTS = {"https": 443, "http": 80}


def is_direct(url: str) -> bool:
    """Whether a URL is reached without a proxy of the environment."""
    parts, proxies = urlsplit(url), getproxies()
    has_proxy = parts.scheme in proxies or "all" in proxies
    return not has_proxy or bool(proxy_bypass(parts.netloc))


class Connections:
    """Up to `limit` connections to the host of a URL. Not for several event loops."""

    def __init__(self, base_url: str, headers: Mapping[str, str], limit: int) -> None:
        parts = urlsplit(base_url)
        self._is_secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS.get(parts.scheme, 0)
        self._idle: list[_Connection] = []
        self._free = asyncio.Semaphore(limit)
        lines = {"Host": parts.netloc.rpartition("@")[2], **headers}
        lines["Accept-Encoding"] = "gzip, deflate"
        self._lines = "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    async def get(self, target: str) -> Answer:
        """Return the answer to GET of a path with query. Raises EngineError."""
        request = f"GET {target} HTTP/1.1\r\n{self._lines}\r\n".encode("latin-1")
        async with self._free:
            while kept := self._take_idle():
                with suppress(_ClosedBefore):
                    return await self._ask(kept, request)
            try:
                return await self._ask(await self._connect(), request)
            except _ClosedBefore as error:
                raise Unavailable("the engine closed the connection") from error

    def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _take_idle(self) -> "_Connection | None":
        while self._idle:
            found = self._idle.pop()
            if not found.is_closed and time.monotonic() - found.used_at < IDLE_SECONDS:
                return found
            found.close()
        return None

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        security = trusted_authorities() if self._is_secure else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    _Connection, self._host, self._port, ssl=security
                )
        except (OSError, TimeoutError) as error:
            raise Unavailable(f"no connection: {error!r}") from error
        return connection

    async def _ask(self, connection: "_Connection", request: bytes) -> Answer:
        answer = await connection.ask(request)
        if connection.is_closed:
            return answer
        connection.used_at = time.monotonic()
        self._idle.append(connection)
        return answer


class _ClosedBefore(Exception):
    """The server closed the connection before it answered anything."""


class _Connection(asyncio.Protocol):
    """One connection, for one request after the other."""

    def __init__(self) -> None:
        self.is_closed = False
        self.used_at = time.monotonic()
        self._transport: asyncio.WriteTransport | None = None
        self._reader = AnswerReader()
        self._waiting: asyncio.Future[Answer] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and return its answer. Raises EngineError or _ClosedBefore."""
        if self.is_closed or self._transport is None:
            raise _ClosedBefore
        loop = asyncio.get_running_loop()
        self._reader, self._waiting = AnswerReader(), loop.create_future()
        self._transport.write(request)
        timer = loop.call_later(ANSWER_SECONDS, self._fail, Unavailable("no answer in time"))
        try:
            return await self._waiting
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiting = None

    def close(self) -> None:
        self.is_closed = True
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        if self._waiting is None or self._waiting.done():
            self.close()  # nobody asked
            return
        try:
            self._reader.feed(data)
        except BadAnswer as error:
            self._fail(error)
        else:
            self._deliver()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.is_closed = True
        if self._waiting is None or self._waiting.done():
            return
        with suppress(BadAnswer):
            self._reader.end()
        self._deliver()
        if self._reader.has_begun or isinstance(error, TimeoutError):
            self._fail(Unavailable(f"the answer was cut off: {error!r}"))
        else:
            self._fail(_ClosedBefore())

    def _deliver(self) -> None:
        if (answer := self._reader.answer) and self._waiting and not self._waiting.done():
            if not self._reader.keeps_connection:
                self.close()
            self._waiting.set_result(answer)

    def _fail(self, error: "EngineError | _ClosedBefore") -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(error)
        self.close()
