"""/socket.io/: the same changes for clients of Socket.IO, in system A's events.

A client signs in with `auth: {token}`, a token or an API key that may read; nothing else of it
counts, no cookie above all, so it may come from any page. It hears `video_update` and may send
`request_video_status`. Each connection reads the channel layer by itself, so that a change made in
any process reaches it. Source: A20-A23, K30.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

import socketio
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.utils import timezone

from accounts.auth import authentication, connections, errors
from videos import feed
from videos.realtime import socketio_internals, status

log = logging.getLogger(__name__)

AUTH_SECONDS = 5.0
# Word of an ended sign-in comes at once; this is for when it was lost.
LOOK_AGAIN_SECONDS = 15.0
MAX_MESSAGE = 64 * 1024
NOT_FOUND = {"code": "not_found", "detail": "Resource not found"}


@dataclass
class Line:
    """One connection that is signed in: who, where its news arrive, and what reads them."""

    credential: connections.Credential
    channel: str
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    @property
    def groups(self) -> tuple[str, str]:
        user = self.credential.user
        return feed.group_of(user.pk), connections.group_of(user.pk)


class Lines:
    """Every connection of this process, and what is done when one comes, asks and goes."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._open: dict[str, Line] = {}
        server.on("connect", self.connect)
        server.on("disconnect", self.disconnect)
        server.on("request_video_status", self.request_video_status)

    async def connect(self, sid: str, environ: object, told: object = None) -> None:
        """Raises ConnectionRefusedError; its words reach the client in a connect_error."""
        if sid in self._open:
            return  # an event that calls itself connect
        token = told.get("token") if isinstance(told, dict) else None
        try:
            credential = await database_sync_to_async(authentication.credential_of)(str(token))
        except (errors.BadCredentials, UnicodeError):
            raise socketio.exceptions.ConnectionRefusedError("Authentication error") from None
        layer: Any = get_channel_layer()
        # The same prefix as our own sockets: channels_redis waits for one prefix at a time, and
        # another one would hear nothing while a socket of ours is open and quiet.
        line = Line(credential, await layer.new_channel("specific"))
        for group in line.groups:
            await layer.group_add(group, line.channel)
        self._open[sid] = line
        line.tasks = [asyncio.create_task(work(sid, line)) for work in (self._pump, self._watch)]

    async def disconnect(self, sid: str, *reason: object) -> None:
        if line := self._open.pop(sid, None):
            layer: Any = get_channel_layer()
            for group in line.groups:
                await layer.group_discard(group, line.channel)
            for task in line.tasks:
                if task is not asyncio.current_task():
                    task.cancel()

    async def request_video_status(self, sid: str, told: object = None, *more: object) -> None:
        """Answered to the asker alone."""
        if not (line := self._open.get(sid)):
            return
        asked = told.get("video_id") if isinstance(told, dict) else None
        event = await database_sync_to_async(status.status_event)(line.credential.user, asked)
        if event is None:
            await self._server.emit("error", NOT_FOUND, to=sid)
        else:
            await self._tell(sid, event)

    async def _tell(self, sid: str, event: dict[str, Any]) -> None:
        body = {name: value for name, value in event.items() if name != "type"}
        await self._server.emit("video_update", body, to=sid)

    async def _pump(self, sid: str, line: Line) -> None:
        layer: Any = get_channel_layer()
        for _ in range(500):
            if self._server.is_welcomed(sid):
                break  # news must not overtake the welcome
            await asyncio.sleep(0.01)
        else:
            await self.disconnect(sid)  # it left before it was welcomed
        try:
            while sid in self._open:
                message = await layer.receive(line.channel)
                if message["type"] == "video.update":
                    await self._tell(sid, message["event"])
                else:
                    await self._look_again(sid, line)
        except Exception:  # a line without news must end, so that its client dials again
            log.warning("a connection lost its news", exc_info=True)
            await self._server.disconnect(sid)

    async def _watch(self, sid: str, line: Line) -> None:
        while sid in self._open:
            until, now = line.credential.expires_at, timezone.now()
            left = max((until - now).total_seconds(), 0) if until else LOOK_AGAIN_SECONDS
            await asyncio.sleep(min(left, LOOK_AGAIN_SECONDS))
            try:
                await self._look_again(sid, line)
            except Exception:  # a database that is away for a while must not end the watch
                log.warning("could not look a connection's sign-in up", exc_info=True)
                await asyncio.sleep(1)

    async def _look_again(self, sid: str, line: Line) -> None:
        if not await database_sync_to_async(line.credential.is_valid)():
            await self._server.disconnect(sid)


class Server(socketio_internals.ObservedServer):
    """Hangs up on whoever does not sign in in time."""

    async def opened(self, eio_sid: str) -> None:
        asyncio.get_running_loop().call_later(
            AUTH_SECONDS, lambda: asyncio.ensure_future(self._hang_up(eio_sid))
        )

    async def _hang_up(self, eio_sid: str) -> None:
        if not self.has_signed_in(eio_sid):
            await self.eio.disconnect(eio_sid)


def in_front_of(app: Any) -> Any:
    """An ASGI application that answers /socket.io/ itself and leaves the rest to another one."""
    server = Server(
        async_mode="asgi",
        cors_allowed_origins="*",
        cors_credentials=False,
        max_http_buffer_size=MAX_MESSAGE,
        async_handlers=False,  # one message of a client after the other
    )
    Lines(server)
    return socketio.ASGIApp(server, other_asgi_app=app)
