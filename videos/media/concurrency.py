"""Limits of how much work that needs much memory or time runs at once in a process.

Who waits is served in line, and one user has one piece of work in the line at most.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext as _

from config.lib.connections import release_connection
from config.lib.rate_limits import TooManyAttempts

# How much of one user's work a process holds: the piece that runs and those that wait for it.
HELD_PER_USER = 8
# When to try again, in seconds.
WAIT_SECONDS = 10


class TooManyAtOnce(TooManyAttempts):
    """Too much of the user's work waits; nothing was done."""

    code = "too_many_at_once"

    def __init__(self) -> None:
        text = _("Too many of your files are being processed. Try again in a moment.")
        super().__init__(WAIT_SECONDS, text)


@dataclass
class _User:
    """The work of one user in this process, which is done piece by piece."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    held: int = 0


_users: dict[UUID, _User] = {}
_users_lock = threading.Lock()


class ConcurrencyLimit:
    """At most `at_once` pieces of one kind of work run at the same time in this process."""

    def __init__(self, at_once: int) -> None:
        self._lock = threading.Lock()
        self._free = at_once
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def slot(self, owner_id: UUID | None) -> Iterator[None]:
        """Wait for a free slot, and run a block in it.

        With an owner only one piece of theirs waits or runs, however many they sent, so that users
        take turns; raises TooManyAtOnce.
        """
        if owner_id is None:
            with self._next_slot():
                yield
            return
        with _counted(owner_id) as user:
            release_connection()
            with user.lock, self._next_slot():
                yield

    @contextmanager
    def _next_slot(self) -> Iterator[None]:
        """Wait in line: a semaphore would let those who have just come pass."""
        called = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                called.set()
            else:
                self._waiting.append(called)
        called.wait()
        try:
            yield
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._free += 1


@contextmanager
def _counted(owner_id: UUID) -> Iterator[_User]:
    with _users_lock:
        user = _users.setdefault(owner_id, _User())
        if user.held >= HELD_PER_USER:
            raise TooManyAtOnce
        user.held += 1
    try:
        yield user
    finally:
        with _users_lock:
            user.held -= 1
            if not user.held:
                del _users[owner_id]
