"""Private parts of python-socketio and python-engineio that Firstlight depends on.

No other module of ours uses them, and a test fails when the libraries change one.

- `AsyncServer._handle_eio_connect` and `_handle_eio_disconnect`: python-socketio has events for a
  client that signs in and out, none for a connection that is opened and says nothing.
- `AsyncServer.eio.sockets`, and `upgraded` and `queue` of what it holds: when a client leaves, the
  library lets a long poll that is under way wait for its time-out.
- `AsyncServer.manager`: whether a connection is authenticated, and whether the client was notified.
"""

from typing import Any

import socketio
from engineio import packet

NAMESPACE = "/"


class ObservedServer(socketio.AsyncServer):  # type: ignore[misc]
    """A Socket.IO server that reports new connections and ends the long poll of those that left."""

    async def opened(self, eio_sid: str) -> None:
        """Do something for a connection that was just opened; a subclass overrides it."""

    def has_signed_in(self, eio_sid: str) -> bool:
        return self.manager.sid_from_eio_sid(eio_sid, NAMESPACE) is not None

    def was_notified(self, sid: str) -> bool:
        """Return whether the client was notified that it is connected."""
        return bool(self.manager.is_connected(sid, NAMESPACE))

    async def end_polls(self) -> None:
        """Answer every long poll that is under way."""
        for connection in list(self.eio.sockets.values()):
            if not connection.upgraded:
                await connection.queue.put(packet.Packet(packet.NOOP))

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        await self.opened(eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        connection = self.eio.sockets.get(eio_sid)
        if connection and not connection.upgraded and reason == self.reason.CLIENT_DISCONNECT:
            await connection.queue.put(packet.Packet(packet.NOOP))
