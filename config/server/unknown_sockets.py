"""WebSockets to an address where none is served."""

from typing import Any


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Answer the handshake with 403, as ASGI has it; Channels would raise an exception."""
    await receive()
    await send({"type": "websocket.close"})
