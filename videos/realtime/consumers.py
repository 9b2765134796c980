"""WebSocket /ws/videos/: a user's own changes, as they happen.

A session cookie is accepted from our own pages only. A token, or an API key that may read, is
accepted from any origin: as the subprotocols `bearer, <token>`, or in a first message
`{"type": "auth", "token": ...}` within 5 seconds. The connection closes when its credential ends.
"""

import asyncio
import json
import logging
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from accounts.auth import authentication, connections, errors
from accounts.models import User
from config.lib import rate_limits
from videos import feed
from videos.realtime import credential_watch, limits, status

log = logging.getLogger(__name__)

MAX_MESSAGE = 64 * 1024
MAX_BAD_MESSAGES = 3

BAD_MESSAGE, NOT_SIGNED_IN, FOREIGN_ORIGIN, TOO_MANY = 4400, 4401, 4403, 4429
# An API key that may not be used from the client's address.
NOT_ALLOWED_HERE = 4403


class VideoConsumer(AsyncWebsocketConsumer):
    """One connection of one user; it sends nothing before the user is authenticated."""

    user: User | None = None
    credential: connections.Credential
    watched: credential_watch.Watched | None = None
    bad_messages = 0
    deadline: asyncio.TimerHandle | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rate = limits.MessageRate()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:  # an error ends a connection without calling disconnect
            if self.watched:
                self.watched.cancel()
            if self.user:
                limits.leave(self.user.pk)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Forward a change at once: Channels would first close old connections, in a thread."""
        if message["type"] == "video.update":
            await self.video_update(message)
        else:
            await super().dispatch(message)

    async def connect(self) -> None:
        offered = list(self.scope.get("subprotocols") or [])
        if len(offered) >= 2 and offered[0] == "bearer":
            await self.accept("bearer")
            await self._sign_in(offered[1])
            return
        await self.accept()
        user: Any = self.scope["user"]
        if user.is_authenticated:
            if not self._same_origin():
                await self.close(FOREIGN_ORIGIN)
                return
            await self._welcome(
                connections.credential_of_cookie(user, self.scope["session"].session_key)
            )
            return
        loop = asyncio.get_running_loop()
        self.deadline = loop.call_later(
            settings.SOCKET_AUTH_SECONDS, lambda: asyncio.ensure_future(self.close(NOT_SIGNED_IN))
        )

    async def disconnect(self, code: int) -> None:
        if self.deadline:
            self.deadline.cancel()
        if self.watched:
            self.watched.cancel()
        if self.user:
            for group in _groups(self.user):
                await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        message = _parse(text_data)
        if not self._rate.allows_one_more():
            await self.close(TOO_MANY)
        elif message is None:
            await self._reject_message("Send a JSON object with a type.")
        elif self.user is None:
            token = message.get("token")
            if message["type"] != "auth" or not isinstance(token, str):
                await self.close(NOT_SIGNED_IN)
                return
            await self._sign_in(token)
        elif message["type"] == "request_video_status":
            await self._send_status(message)
        elif message["type"] == "resume":
            await self._resume(message)
        elif message["type"] != "auth":
            await self._reject_message("Unknown type.")

    async def video_update(self, message: dict[str, Any]) -> None:
        """Forward a change from the channel layer."""
        await self._send_event(message["event"])

    async def credentials_changed(self, message: dict[str, Any]) -> None:
        """Check our credential: a session or key of this user was revoked."""
        await credential_watch.close_if_invalid(self.credential, self._close_unauthenticated)

    async def _sign_in(self, token: str) -> None:
        try:
            credential = await database_sync_to_async(authentication.credential_of)(
                token, rate_limits.address_of_scope(self.scope)
            )
        except errors.BadCredentials:
            await self.close(NOT_SIGNED_IN)
            return
        except errors.AddressNotAllowed:
            await self.close(NOT_ALLOWED_HERE, "address_not_allowed")
            return
        await self._welcome(credential)

    async def _welcome(self, credential: connections.Credential) -> None:
        if self.deadline:
            self.deadline.cancel()
        if not limits.admit(credential.user.pk):
            await self.close(TOO_MANY)
            return
        self.credential, self.user = credential, credential.user
        # Join the groups first, so that no change is missed after the number we send.
        for group in _groups(credential.user):
            await self.channel_layer.group_add(group, self.channel_name)
        seq = await database_sync_to_async(feed.current_sequence)(credential.user.pk)
        await self._send_event({"type": "connect", "seq": seq, "user_id": str(credential.user.pk)})
        self.watched = credential_watch.Watched(self.credential, self._close_unauthenticated)

    async def _close_unauthenticated(self) -> None:
        await self.close(NOT_SIGNED_IN)

    async def _send_status(self, message: dict[str, Any]) -> None:
        """Answer with the present state and request a poll. Source: A21, A23."""
        assert self.user
        event = await database_sync_to_async(status.status_event)(
            self.user, message.get("video_id")
        )
        if event is None:
            await self._send_event(
                {"type": "error", "code": "not_found", "detail": "Resource not found"}
            )
        else:
            await self._send_event(event)

    async def _resume(self, message: dict[str, Any]) -> None:
        after = message.get("after")
        if not feed.is_number(after):
            await self._reject_message("after must be a number from 0.")
            return
        assert self.user
        found = await database_sync_to_async(feed.missed)(self.user.pk, after)
        for event in found.events:
            await self._send_event(event)
        await self._send_event({"type": "resumed", **found.summary(after)})

    async def _reject_message(self, detail: str) -> None:
        self.bad_messages += 1
        if self.bad_messages >= MAX_BAD_MESSAGES:
            await self.close(BAD_MESSAGE)
        else:
            await self._send_event({"type": "error", "code": "bad_message", "detail": detail})

    async def _send_event(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message))

    def _same_origin(self) -> bool:
        """Whether the page's origin is our own or a configured front end's."""
        headers = dict(self.scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        scheme = "https" if self.scope.get("scheme") == "wss" else "http"
        return origin in {f"{scheme}://{host}", settings.BASE_URL, *settings.FRONTEND_ORIGINS}


def _groups(user: User) -> tuple[str, str]:
    return feed.group_of(user.pk), connections.group_of(user.pk)


def _parse(text: str | None) -> dict[str, Any] | None:
    if text is None or len(text) > MAX_MESSAGE:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_message = isinstance(found, dict) and isinstance(found.get("type"), str)
    return found if is_message else None
