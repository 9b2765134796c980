"""Continue answers after Django is done with their requests; see `config.lib.continuations`."""

import asyncio
import logging
from contextlib import aclosing, suppress
from typing import Any

from config.lib.continuations import SLOT, Continuation

log = logging.getLogger(__name__)

# For what is left of an answer that has to end; a client that does not read does not get it.
LAST_SECONDS = 1.0


class ContinuedAnswers:
    """An ASGI application around Django's that sends the continuations its views leave."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._open: set[Continuation] = set()
        self._closing = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        exchange = Exchange(send)
        try:
            await self._app({**scope, SLOT: exchange.slot}, receive, exchange.send)
            if exchange.is_continued:
                await self._continue(exchange.slot[0], receive, send)
        finally:
            for continuation in exchange.slot:
                continuation.close()

    async def end_all(self) -> None:
        """End all answers that are continued, and those that would be from now on."""
        self._closing = True
        for continuation in self._open:
            continuation.over.set()

    async def _continue(self, continuation: Continuation, receive: Any, send: Any) -> None:
        if self._closing:
            continuation.over.set()
        self._open.add(continuation)
        writer = asyncio.create_task(_write(continuation, send))
        gone = asyncio.create_task(_wait_until_gone(receive))
        over = asyncio.create_task(continuation.over.wait())
        tasks = {writer, gone, over}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done():
                await asyncio.wait({writer}, timeout=LAST_SECONDS)
        finally:
            self._open.discard(continuation)
            # A call of the database that is under way may swallow the cancellation.
            continuation.over.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not gone.done() or gone.cancelled():
            with suppress(TimeoutError):
                await asyncio.wait_for(send({"type": "http.response.body"}), LAST_SECONDS)


class Exchange:
    """One answer of Django; the last part of its body stays open when it is continued."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._is_ok = False
        self.slot: list[Continuation] = []

    @property
    def is_continued(self) -> bool:
        """Whether a view left a continuation, and nothing turned its answer into an error."""
        return bool(self.slot) and self._is_ok

    async def send(self, message: Any) -> None:
        if self.slot and message["type"] == "http.response.start":
            self._is_ok = message["status"] == 200
            if self._is_ok:
                headers = [pair for pair in message["headers"] if pair[0] != b"Content-Length"]
                message = {**message, "headers": headers}
        elif self.is_continued:
            message = {**message, "more_body": True}
        await self._send(message)


async def _write(continuation: Continuation, send: Any) -> None:
    try:
        async with aclosing(continuation.parts(continuation.over)) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
    except Exception:  # the headers are sent: all we can do is to end the answer
        log.exception("a continued answer broke off")


async def _wait_until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
