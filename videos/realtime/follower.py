"""The events of one user after a number, in their order and each once, for connections by HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from accounts.auth import connections
from accounts.auth.connections import Credential
from videos import feed
from videos.realtime import credential_watch

log = logging.getLogger(__name__)

# Of more changes than this the oldest are dropped: a client that does not keep up gets what it
# missed from the database.
WAITING = 100


class Follower:
    """Waits for a user's events after `after`, without a query while nothing happens.

    The channel layer may lose messages or change their order. Numbers have no gap, so a gap shows
    it, and what is missing is read from the database. `over` is set when the credential ends.
    """

    def __init__(self, credential: Credential, after: int, over: asyncio.Event) -> None:
        self.after = after
        self._credential, self._over = credential, over
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(WAITING)

    @property
    def is_over(self) -> bool:
        """Whether this connection has to end."""
        return self._over.is_set()

    def hello(self) -> dict[str, Any]:
        """Return the first message of a connection: what follows comes after its number."""
        return {"type": "connect", "seq": self.after, "user_id": str(self._credential.user.pk)}

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[None]:
        """Receive changes within this block; none is missed that follows its beginning."""
        layer: Any = get_channel_layer()
        # The same prefix as that of all other connections; socketio.py says why.
        channel = await layer.new_channel("specific")
        user_id = self._credential.user.pk
        groups = feed.group_of(user_id), connections.group_of(user_id)
        running: list[asyncio.Task[None] | credential_watch.Watched] = []
        try:
            for group in groups:
                await layer.group_add(group, channel)
            running = [
                asyncio.create_task(self._receive(layer, channel)),
                credential_watch.Watched(self._credential, self._end),
            ]
            # It may have been revoked before this connection could be told.
            await credential_watch.close_if_invalid(self._credential, self._end)
            yield
        finally:
            for each in running:
                each.cancel()
            for group in groups:
                await layer.group_discard(group, channel)

    async def missed(self) -> feed.Missed:
        """Read what comes after `after`, and move `after` behind it."""
        read = database_sync_to_async(feed.missed)
        found = await read(self._credential.user.pk, self.after)
        self.after = found.next
        return found

    async def next_event(self, seconds: float) -> dict[str, Any] | None:
        """Wait for a change that is new; None when none came, or when the connection is over."""
        arrival = asyncio.create_task(self._waiting.get())
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait(
                {arrival, over}, timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            over.cancel()
            arrival.cancel()
        return arrival.result() if arrival.done() and not self.is_over else None

    def takes(self, event: dict[str, Any]) -> bool:
        """Whether this event is the very next one; then `after` is its number."""
        if event["seq"] != self.after + 1:
            return False
        self.after += 1
        return True

    async def _receive(self, layer: Any, channel: str) -> None:
        try:
            while True:
                message = await layer.receive(channel)
                if message["type"] != "video.update":
                    await credential_watch.close_if_invalid(self._credential, self._end)
                    continue
                if self._waiting.full():
                    self._waiting.get_nowait()
                self._waiting.put_nowait(message["event"])
        except Exception:  # end the connection, so that its client asks again
            log.warning("a connection could not receive changes", exc_info=True)
            self._over.set()

    async def _end(self) -> None:
        self._over.set()
