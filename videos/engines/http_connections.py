"""Kept connections to one engine for many small requests at once, by aiohttp.

No redirect is followed: it could lead the engine's key to any host. aiohttp repeats a request once
when its connection was closed before any answer, as servers close kept connections.
"""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from videos.engines import http_answers
from videos.engines.errors import BadAnswer, EngineError, Unavailable
from videos.engines.http_answers import Answer
from videos.engines.json_api import trusted_authorities

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
# Servers and gateways close idle connections, some of them without a word.
IDLE_SECONDS = 15.0


class Connections:
    """Up to `limit` connections to the host of a URL. Made and used in one running event loop."""

    def __init__(self, base_url: str, headers: Mapping[str, str], limit: int) -> None:
        parts = urlsplit(base_url)
        self._origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        # The connector could queue requests too, but its queue counts towards their time-outs.
        self._free = asyncio.Semaphore(limit)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limit, keepalive_timeout=IDLE_SECONDS, ssl=trusted_authorities()
            ),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS),
        )

    async def get(self, target: str) -> Answer:
        """Return the answer to GET of a path with query. Raises EngineError."""
        async with self._free:
            try:
                return await self._ask(self._origin + target)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise _explain(error) from error

    async def close(self) -> None:
        await self._session.close()

    async def _ask(self, url: str) -> Answer:
        async with self._session.get(url, allow_redirects=False) as answer:
            body = bytearray()
            # Decompressed as it arrives, a piece of bounded size at a time.
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > http_answers.MAX_BYTES:
                    raise BadAnswer("an answer that is too large")
            return Answer(answer.status, answer.headers, bytes(body))


def _explain(error: aiohttp.ClientError | TimeoutError) -> EngineError:
    # Never the repr of an error: that of some contains the request's headers, and so the key.
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Unavailable(f"no connection: {said}")
    if isinstance(error, TimeoutError):
        return Unavailable("no answer in time")
    if isinstance(error, aiohttp.ClientResponseError):
        return BadAnswer(f"not HTTP: {said}")
    return Unavailable(f"no whole answer: {said}")
