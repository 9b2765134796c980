"""Whether this process is stopping: it finishes what it does and begins nothing new.

The server, or Celery, sets `stopping` when it is told to end; readiness and workers ask it.
"""

import threading
from collections.abc import Awaitable, Callable

# Never cleared: a process that stops does not come back.
stopping = threading.Event()

_before_closing: list[Callable[[], Awaitable[None]]] = []


def before_closing(call: Callable[[], Awaitable[None]]) -> None:
    """Call this when the server is about to close its connections."""
    _before_closing.append(call)


async def prepare_to_close() -> None:
    """Call everything that `before_closing` was given."""
    for call in _before_closing:
        await call()
