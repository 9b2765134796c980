"""Answers that go on after their view has returned: event streams and long polls.

Django keeps a thread for each request until its answer is complete. A view that may wait for
minutes answers with the headers only and leaves a Continuation in the request's ASGI scope.
`config.server.continued_answers` sends what it yields when Django is done with the request.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

Parts = AsyncGenerator[bytes]
SLOT = "firstlight.continuation"


@dataclass(eq=False)
class Continuation:
    """The rest of an answer; `close` is called once, whether or not it was begun.

    `parts` is called with `over`. Whoever sets that asks the answer to end: it then has a second to
    yield what is left.
    """

    parts: Callable[[asyncio.Event], Parts]
    close: Callable[[], None]
    over: asyncio.Event = field(default_factory=asyncio.Event)


def slot_of(request: HttpRequest) -> list[Continuation] | None:
    """Return where a view leaves its continuation; None when the server does not continue."""
    scope: dict[str, Any] = getattr(request, "scope", {})
    slot: list[Continuation] | None = scope.get(SLOT)
    return slot
