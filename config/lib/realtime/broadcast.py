"""Broadcasts: messages to channel groups, sent from any thread."""

import logging
from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

log = logging.getLogger(__name__)


def send(group: str, message: dict[str, Any]) -> None:
    """Send to a channel group from any thread; errors are logged, never raised."""
    send_all([(group, message)])


def send_all(messages: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """Send messages to channel groups, in this order, as `send` does."""
    layer: Any = get_channel_layer()
    try:
        # The in-process layer delivers from any thread; others need an event loop.
        if hasattr(layer, "publish"):
            for group, message in messages:
                layer.publish(group, message)
        else:
            async_to_sync(_send_all)(layer, messages)
    except Exception:  # connections re-check by themselves, and clients resume from the database
        log.warning("%d messages not sent", len(messages), exc_info=True)


async def _send_all(layer: Any, messages: Sequence[tuple[str, dict[str, Any]]]) -> None:
    for group, message in messages:
        await layer.group_send(group, message)
