"""wait_for_video: reports progress from the channel layer until the video ends, or time is up."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings

from config.lib import draining
from videos import feed
from videos.mcp import shapes
from videos.mcp.errors import Refused
from videos.mcp.tools.base import Answer, Call, Report, own_video, reloaded
from videos.models import Video

# A change whose message was lost is found after this many seconds, and so is a revoked credential.
RECHECK_SECONDS = 5.0


class _Wait:
    """One wait: `changed` is set by a change of its video, and when this process stops."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.is_over = draining.stopping.is_set()

    def end(self) -> None:
        self.is_over = True
        self.changed.set()


# All waits are served by one event loop, so this needs no lock.
_open: dict[UUID, list[_Wait]] = {}


async def wait(call: Call, report: Report) -> Answer:
    """Return the video when it has ended, when time is up, or when this process stops.

    Raises Refused when the user waits too often at once, or the credential has ended.
    """
    user_id, this = call.caller.user.pk, _Wait()
    waits = _open.setdefault(user_id, [])
    if len(waits) >= settings.SOCKETS_PER_USER:
        raise Refused(f"You wait {len(waits)} times already. Call get_video instead.")
    waits.append(this)
    try:
        async with _notified_of_changes(user_id, this):
            return await _watch(call, report, this)
    finally:
        waits.remove(this)
        if not waits:
            del _open[user_id]


@asynccontextmanager
async def _notified_of_changes(user_id: UUID, this: _Wait) -> AsyncIterator[None]:
    """Set `changed` within this block when a video of the user changes."""
    layer: Any = get_channel_layer()
    group = feed.group_of(user_id)
    # The prefix of all our channels: channels_redis waits for one prefix at a time.
    channel = await layer.new_channel("specific")
    await layer.group_add(group, channel)
    reader = asyncio.create_task(_read(layer, channel, this))
    try:
        yield
    finally:
        reader.cancel()
        await layer.group_discard(group, channel)


async def end_all() -> None:
    """Have every wait answer now: the server is about to close its connections."""
    for waits in _open.values():
        for this in waits:
            this.end()


draining.before_closing(end_all)


async def _read(layer: Any, channel: str, this: _Wait) -> None:
    while True:
        await layer.receive(channel)
        this.changed.set()


async def _watch(call: Call, report: Report, this: _Wait) -> Answer:
    deadline = time.monotonic() + call.arguments.timeout_seconds
    last = -1
    while True:
        this.changed.clear()
        video = await database_sync_to_async(_load)(call)
        if video.progress > last:
            last = int(video.progress)
            await report(last, _sentence(video))
        left = deadline - time.monotonic()
        if not video.is_active or left <= 0 or this.is_over:
            return await database_sync_to_async(_show)(video)
        try:
            await asyncio.wait_for(this.changed.wait(), min(left, RECHECK_SECONDS))
        except TimeoutError:
            pass


def _load(call: Call) -> Video:
    if not call.caller.credential.is_valid():
        raise Refused("Your credential has ended. The video goes on; sign in to see it.")
    return own_video(call.caller, call.arguments.video_id)


def _show(video: Video) -> Answer:
    return shapes.video(reloaded(video.pk) if video.is_active else video)


def _sentence(video: Video) -> str:
    if video.status == Video.Status.QUEUED:
        return "waiting in the queue"
    return f"rendering, {int(video.progress)} %" if video.is_active else "finished"
