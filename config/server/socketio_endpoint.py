"""/socket.io/: python-socketio is imported when the first client asks for it.

It brings an HTTP client and a WebSocket client with it: 24 MB and half a second of CPU.
"""

import asyncio
from importlib import import_module
from typing import Any

PATH = "/socket.io/"


class SocketIOEndpoint:
    """ASGI middleware that passes requests of /socket.io, also without a slash, to its server."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._server: Any = None
        self._starting = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not f"{scope.get('path', '')}/".startswith(PATH):
            await self._app(scope, receive, send)
            return
        if self._server is None:
            await self._start()
        await self._server(scope, receive, send)

    async def _start(self) -> None:
        async with self._starting:
            module = await asyncio.to_thread(import_module, "videos.realtime.socketio")
            if self._server is None:
                self._server = module.mount_before(self._app)
