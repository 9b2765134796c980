"""Send messages to channel groups, from any thread."""

import logging
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

log = logging.getLogger(__name__)


def send(group: str, message: dict[str, Any]) -> None:
    """Send to a channel group from any thread; never fails its caller."""
    layer: Any = get_channel_layer()
    try:
        # The in-process layer delivers from any thread; others are driven through a loop.
        if hasattr(layer, "publish"):
            layer.publish(group, message)
        else:
            async_to_sync(layer.group_send)(group, message)
    except Exception:  # connections look again by themselves, and clients resume from the rows
        log.warning("message to %s not sent", group, exc_info=True)
