"""What an event stream and a long poll send, after the headers of their answers."""

import asyncio
import json
import time
from typing import Any

from django.conf import settings

from config.lib.continuations import Parts
from videos.realtime.follower import Follower

# How long a browser waits before it connects again.
RETRY_MS = 3000
HEARTBEAT = b":\n\n"
# A poll that had to wait collects what comes within this time, so that a busy client need not ask
# more often than RATE_EVENTS allows.
COLLECT_SECONDS = 0.5


async def stream(follower: Follower) -> Parts:
    """Yield what was missed, then each change as it comes; a comment while none comes."""
    async with follower.joined():
        yield f"retry: {RETRY_MS}\n\n".encode() + frame(follower.hello())
        is_behind = True
        while not follower.is_over:
            if is_behind:
                found = await follower.missed()
                is_behind = not (found.complete or found.reset)
                if found.reset:
                    yield frame({"type": "reset", "seq": found.next})
                elif found.events:
                    yield b"".join(map(frame, found.events))
                continue
            event = await follower.next_event(settings.EVENTS_HEARTBEAT_SECONDS)
            if event is None:
                yield HEARTBEAT
            elif follower.takes(event):
                yield frame(event)
            else:  # after a gap; what came before its turn is in the database too
                is_behind = event["seq"] > follower.after


def frame(event: dict[str, Any]) -> bytes:
    """Return an event as a stream has it; a browser sends its id when it connects again."""
    return f"id: {event['seq']}\nevent: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


async def poll(follower: Follower, seconds: float) -> Parts:
    """Yield the answer of a poll, as soon as there are events or after so many seconds."""
    began = time.monotonic()
    async with follower.joined():
        found = await follower.missed()  # what came before this connection received changes
        while found.complete and not found.events:
            event = await follower.next_event(began + seconds - time.monotonic())
            if event is None:
                break
            if event["seq"] > follower.after:
                await asyncio.sleep(began + COLLECT_SECONDS - time.monotonic())
                found = await follower.missed()
    yield json.dumps(found.answer()).encode()
