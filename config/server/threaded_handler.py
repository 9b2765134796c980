"""Django's ASGI handler, with the whole work of a request in one call on a lasting thread.

Django's own starts a thread for each request and changes between it and the event loop five times:
for the signals, the middleware, the view and the end of the response. That costs more than the
work of a small request.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

# Requests wait for engines and payments too, some of them for this very server, so there must be
# far more threads than cores. A thread starts only when none is idle.
MAX_THREADS = 200


class ThreadedHandler(ASGIHandler):
    """Answers each request on one of at most MAX_THREADS threads."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(MAX_THREADS, "request")

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """Read the body, answer, and give up when the client leaves before that is done."""
        try:
            body_file = await self.read_body(receive)
        except RequestAborted:
            return
        set_script_prefix(get_script_prefix(scope))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        answering = asyncio.create_task(self._answer(scope, body_file, send))
        try:
            await asyncio.wait([leaving, answering], return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            answering.cancel()
            left, _ = await asyncio.gather(leaving, answering, return_exceptions=True)
            body_file.close()
        if isinstance(left, AssertionError):  # the server broke the protocol
            raise left
        if not answering.cancelled():
            answering.result()

    async def _answer(self, scope: Mapping[str, Any], body_file: IO[bytes], send: Any) -> None:
        work = asyncio.ensure_future(self._in_thread(self._respond, scope, body_file))
        with suppress(asyncio.CancelledError):  # the client has left
            await asyncio.shield(work)
            await self.send_response(work.result(), send)
        # Nothing can interrupt the thread, which reads the body and may hold a connection.
        response = await work
        if response.streaming:
            await self._in_thread(response.close)

    def _respond(self, scope: Mapping[str, Any], body_file: IO[bytes]) -> HttpResponseBase:
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body_file)
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if response.streaming:
            close_old_connections()  # what is streamed needs the database no more
        else:
            response.close()
        return response  # type: ignore[no-any-return]

    async def _in_thread(self, call: Any, *arguments: Any) -> Any:
        run = sync_to_async(call, thread_sensitive=False, executor=self._threads)
        return await run(*arguments)
