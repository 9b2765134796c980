"""How many live connections a user may have in this process, and how fast one may send.

Connections of all kinds are counted together.
"""

import threading
import time
from collections import Counter
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

# A client may send the messages of this many seconds at once: a page asks for all its videos.
BURST_SECONDS = 10

# Sockets are admitted by the event loop, calls by HTTP in the threads of their views.
_lock = threading.Lock()
_open: Counter[UUID] = Counter()


class TooManyConnections(Exception):
    """The user has SOCKETS_PER_USER live connections open; `wait` is in seconds."""

    wait = 5

    def __init__(self) -> None:
        super().__init__(_("You have too many live connections open. Close one first."))


def count_of(user_id: UUID) -> int:
    """Return how many connections of a user are open."""
    return _open[user_id]


def count_all() -> int:
    """Return how many connections of all users are open in this process."""
    with _lock:
        return _open.total()


def admit(user_id: UUID) -> bool:
    """Count one more connection of a user; return False when SOCKETS_PER_USER are open."""
    with _lock:
        if count_of(user_id) >= settings.SOCKETS_PER_USER:
            return False
        _open[user_id] += 1
        return True


def leave(user_id: UUID) -> None:
    """Count one connection less; every admitted one has to leave once."""
    with _lock:
        _open[user_id] -= 1
        if not _open[user_id]:
            del _open[user_id]


class MessageRate:
    """Whether one connection keeps to SOCKET_MESSAGES_PER_SECOND, with a burst of BURST_SECONDS."""

    def __init__(self) -> None:
        self._allowance, self._counted_at = float(BURST_SECONDS), time.monotonic()

    def allows_one_more(self) -> bool:
        """Count a message; return False when it is one too many."""
        now = time.monotonic()
        grown = self._allowance + now - self._counted_at
        self._counted_at = now
        # The allowance is in seconds of the permitted rate.
        self._allowance = min(grown, BURST_SECONDS) - 1 / settings.SOCKET_MESSAGES_PER_SECOND
        return self._allowance >= 0
