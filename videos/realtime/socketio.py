"""/socket.io/: the same changes for Socket.IO clients, as the events of system A.

A client authenticates with `auth: {token}`, a token or an API key that may read. Cookies are
ignored, so any origin is allowed. It receives `video_update` and may send `request_video_status`,
and `resume` with the number of the last change it received.
Each connection reads the channel layer itself, so that a change made in any process reaches it.
Source: A20-A23, K30.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import socketio
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings

from accounts.auth import authentication, connections, errors
from config.lib import draining, rate_limits
from videos import feed, representations
from videos.realtime import credential_watch, limits, socketio_internals, status

log = logging.getLogger(__name__)

MAX_MESSAGE = 64 * 1024
NOT_FOUND = {"code": "not_found", "detail": "Resource not found"}
BAD_NUMBER = {"code": "bad_message", "detail": "after must be a number from 0."}
TOO_MANY_MESSAGES = {"code": "too_many_messages", "detail": "Too many messages"}


@dataclass
class Connection:
    """An authenticated connection: its credential, its channel, and what serves it."""

    credential: connections.Credential
    channel: str
    rate: limits.MessageRate = field(default_factory=limits.MessageRate)
    receiver: "asyncio.Task[None] | None" = None
    watched: credential_watch.Watched | None = None

    @property
    def groups(self) -> tuple[str, str]:
        user = self.credential.user
        return feed.group_of(user.pk), connections.group_of(user.pk)


class Connections:
    """All authenticated connections of this process, and the handlers of their events."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._open: dict[str, Connection] = {}
        server.on("connect", self.connect)
        server.on("disconnect", self.disconnect)
        server.on("request_video_status", self.request_video_status)
        server.on("resume", self.resume)
        server.on("*", self.unknown_event)

    async def connect(self, sid: str, environ: dict[str, Any], data: object = None) -> None:
        """Authenticate. The client gets ConnectionRefusedError as a connect_error."""
        if sid in self._open:
            return  # a client sent an event named connect
        token = data.get("token") if isinstance(data, dict) else None
        try:
            credential = await database_sync_to_async(authentication.credential_of)(
                str(token), rate_limits.address_of_scope(environ["asgi.scope"])
            )
        except errors.AddressNotAllowed as error:
            raise socketio.exceptions.ConnectionRefusedError(str(error)) from None
        except (errors.BadCredentials, UnicodeError):
            raise socketio.exceptions.ConnectionRefusedError("Authentication error") from None
        if not limits.admit(credential.user.pk):
            raise socketio.exceptions.ConnectionRefusedError("Too many connections")
        try:
            connection = await self._joined(credential)
        except BaseException:
            limits.leave(credential.user.pk)
            raise
        self._open[sid] = connection
        connection.receiver = asyncio.create_task(self._forward_changes(sid, connection))
        connection.watched = credential_watch.Watched(credential, partial(self._close, sid))

    async def _joined(self, credential: connections.Credential) -> Connection:
        """Return a connection whose channel receives the changes of its user."""
        layer: Any = get_channel_layer()
        # The same prefix as VideoConsumer's channels: channels_redis waits for one prefix at a
        # time, and another would receive nothing while a WebSocket is open and quiet.
        connection = Connection(credential, await layer.new_channel("specific"))
        for group in connection.groups:
            await layer.group_add(group, connection.channel)
        return connection

    async def disconnect(self, sid: str, *reason: object) -> None:
        if connection := self._open.pop(sid, None):
            limits.leave(connection.credential.user.pk)
            layer: Any = get_channel_layer()
            for group in connection.groups:
                await layer.group_discard(group, connection.channel)
            if connection.watched:
                connection.watched.cancel()
            if connection.receiver and connection.receiver is not asyncio.current_task():
                connection.receiver.cancel()

    async def request_video_status(self, sid: str, data: object = None, *more: object) -> None:
        """Answer with the present state, to this client only."""
        connection = await self._may_send(sid)
        if not connection:
            return
        asked = data.get("video_id") if isinstance(data, dict) else None
        event = await database_sync_to_async(status.status_event)(connection.credential.user, asked)
        if event is None:
            await self._server.emit("error", NOT_FOUND, to=sid)
        else:
            await self._send_update(sid, event)

    async def resume(self, sid: str, data: object = None, *more: object) -> None:
        """Send what this client missed after a number, then say whether that is all."""
        connection = await self._may_send(sid)
        if not connection:
            return
        after = data.get("after") if isinstance(data, dict) else None
        if not feed.is_number(after):
            await self._server.emit("error", BAD_NUMBER, to=sid)
            return
        user_id = connection.credential.user.pk
        found = await database_sync_to_async(feed.missed)(user_id, after)
        for event in found.events:
            await self._send_update(sid, event)
        await self._server.emit("resumed", found.summary(after), to=sid)

    async def unknown_event(self, _event: str, sid: str, *data: object) -> None:
        """Only count an event that we do not know."""
        await self._may_send(sid)

    async def _may_send(self, sid: str) -> Connection | None:
        """Return the connection of a client; None, and close it, when it sends too much."""
        connection = self._open.get(sid)
        if connection and not connection.rate.allows_one_more():
            await self._server.emit("error", TOO_MANY_MESSAGES, to=sid)
            await self._close(sid)
            return None
        return connection

    async def _send_update(self, sid: str, event: dict[str, Any]) -> None:
        body = {name: value for name, value in event.items() if name != "type"}
        body["video_id"] = representations.library_id(UUID(event["video_id"]))
        await self._server.emit("video_update", body, to=sid)

    async def _forward_changes(self, sid: str, connection: Connection) -> None:
        layer: Any = get_channel_layer()
        for _ in range(500):
            if self._server.was_notified(sid):
                break  # no change may be sent before the client is connected
            await asyncio.sleep(0.01)
        else:
            await self.disconnect(sid)  # the client left before it was connected
        try:
            while sid in self._open:
                message = await layer.receive(connection.channel)
                if message["type"] == "video.update":
                    await self._send_update(sid, message["event"])
                else:
                    await credential_watch.close_if_invalid(
                        connection.credential, partial(self._close, sid)
                    )
        except Exception:  # close the connection, so that its client reconnects
            log.warning("a connection could not receive changes", exc_info=True)
            await self._server.disconnect(sid)

    async def _close(self, sid: str) -> None:
        await self._server.disconnect(sid)


class Server(socketio_internals.ObservedServer):
    """Closes connections that do not authenticate within SOCKET_AUTH_SECONDS."""

    async def opened(self, eio_sid: str) -> None:
        asyncio.get_running_loop().call_later(
            settings.SOCKET_AUTH_SECONDS,
            lambda: asyncio.ensure_future(self._close_unauthenticated(eio_sid)),
        )

    async def _close_unauthenticated(self, eio_sid: str) -> None:
        if not self.has_signed_in(eio_sid):
            await self.eio.disconnect(eio_sid)


def mount_before(app: Any) -> Any:
    """An ASGI application that serves /socket.io/ and passes everything else to `app`."""
    server = Server(
        async_mode="asgi",
        cors_allowed_origins="*",
        cors_credentials=False,
        max_http_buffer_size=MAX_MESSAGE,
        async_handlers=False,  # handle the messages of a client one after another
    )
    Connections(server)
    # The client asks again and finds another server, as one does whose WebSocket was closed.
    draining.before_closing(server.end_polls)
    return socketio.ASGIApp(server, other_asgi_app=app)
