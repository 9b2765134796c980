"""Turns for work that needs much memory or time: a few in each process, one of each user."""

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


class Turns:
    """Work of which at most `at_once` pieces run at the same time in this process."""

    def __init__(self, at_once: int) -> None:
        self._lock = threading.Lock()
        self._free = at_once
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def take(self, owner_id: UUID | None) -> Iterator[None]:
        """Wait for a turn, and run a block in it.

        With an owner only one piece of theirs waits or runs, however many they sent, so that users
        take turns; raises TooManyAtOnce.
        """
        if owner_id is None:
            with self._turn():
                yield
            return
        with _counted(owner_id) as user:
            release_connection()
            with user.lock, self._turn():
                yield

    @contextmanager
    def _turn(self) -> Iterator[None]:
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
