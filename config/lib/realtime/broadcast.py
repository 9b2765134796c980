"""Broadcasts: messages to channel groups, sent from any thread."""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

log = logging.getLogger(__name__)


def send(group: str, message: dict[str, Any]) -> None:
    """Send to a channel group from any thread; errors are logged, never raised."""
    layer: Any = get_channel_layer()
    try:
        # The in-process layer delivers from any thread; others need an event loop.
        if hasattr(layer, "publish"):
            layer.publish(group, message)
        else:
            async_to_sync(layer.group_send)(group, message)
    except Exception:  # connections re-check by themselves, and clients resume from the database
        log.warning("message to %s not sent", group, exc_info=True)
