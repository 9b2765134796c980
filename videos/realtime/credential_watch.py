"""Close open connections when the credentials that opened them expire or are revoked.

One task for each event loop checks all connections that it serves, BATCH of them with the same
queries: thousands of open connections cost as much as one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone

from accounts.auth import connections
from accounts.auth.connections import Credential

log = logging.getLogger(__name__)

Close = Callable[[], Awaitable[None]]
BATCH = 500


class Watched:
    """A connection that is closed when its credential ends; `cancel` when it has closed itself."""

    def __init__(self, credential: Credential, close: Close) -> None:
        self.credential, self.close = credential, close
        self._loop = asyncio.get_running_loop()
        self._expiry: asyncio.TimerHandle | None = None
        self._watch = _watches.setdefault(self._loop, _Watch())
        self._watch.add(self)
        self._wait_for_expiry()

    def cancel(self) -> None:
        if self._expiry:
            self._expiry.cancel()
        self._watch.remove(self)

    def _wait_for_expiry(self) -> None:
        if self.credential.expires_at is not None:
            left = (self.credential.expires_at - timezone.now()).total_seconds()
            self._expiry = self._loop.call_later(max(left, 0), self._end_if_expired)

    def _end_if_expired(self) -> None:
        assert self.credential.expires_at
        if timezone.now() >= self.credential.expires_at:
            self._watch.end(self)
        else:  # the clock was set back
            self._wait_for_expiry()


class _Watch:
    """All connections of an event loop."""

    def __init__(self) -> None:
        self._open: set[Watched] = set()
        self._task: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Future[None]] = set()

    def add(self, watched: Watched) -> None:
        self._open.add(watched)
        if self._task is None:
            # Not in the context of the connection that happens to be the first.
            self._task = asyncio.create_task(self._check_for_ever(), context=Context())

    def remove(self, watched: Watched) -> None:
        self._open.discard(watched)
        if not self._open and self._task:
            self._task.cancel()
            self._task = None

    def end(self, watched: Watched) -> None:
        """Close a connection, unless it has closed itself meanwhile."""
        if watched in self._open:
            watched.cancel()
            closing = asyncio.ensure_future(_close(watched))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _check_for_ever(self) -> None:
        while True:
            await asyncio.sleep(settings.SOCKET_RECHECK_SECONDS)
            try:
                await self._check_all()
            except Exception:  # a database outage must not close every connection
                log.warning("the credentials of connections could not be checked", exc_info=True)

    async def _check_all(self) -> None:
        every = list(self._open)
        for start in range(0, len(every), BATCH):
            batch = every[start : start + BATCH]
            asked = list({watched.credential for watched in batch})
            kept = set(await database_sync_to_async(connections.valid)(asked))
            for watched in batch:
                if watched.credential not in kept:
                    self.end(watched)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watch] = WeakKeyDictionary()


async def _close(watched: Watched) -> None:
    try:
        await watched.close()
    except Exception:
        log.warning("a connection could not be closed", exc_info=True)


async def close_if_invalid(credential: Credential, close: Close) -> bool:
    """Close the connection if its credential is no longer valid; return whether it was closed."""
    if await database_sync_to_async(credential.is_valid)():
        return False
    await close()
    return True
