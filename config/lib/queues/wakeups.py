"""Wake the workers of a table that is a queue, as soon as one of its rows may be due.

`announce` is the one function that says so. Workers of this process wake at once, those of other
processes through Redis, where there is one. A wake-up that gets lost loses no work: workers also
look for due rows by themselves, only later.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Model

from config.lib.queues import redis_messages

_lock = threading.Lock()
# The events of the workers of this process, by the name of their table.
_subscribed: dict[str, set[threading.Event]] = {}
# Whether a thread of this process listens to Redis.
_is_listening = False


def announce(table: type[Model]) -> None:
    """Wake the workers of a table once the caller's transaction has committed; never fails."""
    transaction.on_commit(partial(_announce, table._meta.label_lower), robust=True)


@contextmanager
def subscribed(table: type[Model], event: threading.Event) -> Iterator[None]:
    """Set an event, while the block runs, whenever rows of a table may be due."""
    name = table._meta.label_lower
    with _lock:
        _subscribed.setdefault(name, set()).add(event)
    if settings.REDIS_URL:
        _start_listening(settings.REDIS_URL)
    try:
        yield
    finally:
        with _lock:
            _subscribed[name].discard(event)


def _announce(name: str) -> None:
    _wake(name)
    if settings.REDIS_URL:
        redis_messages.publish(settings.REDIS_URL, name)


def _wake(name: str | None) -> None:
    """Wake the workers of a table in this process; without a name those of all tables."""
    with _lock:
        tables = _subscribed.values() if name is None else [_subscribed.get(name, set())]
        events = [event for found in tables for event in found]
    for event in events:
        event.set()


def _start_listening(url: str) -> None:
    """Listen to other processes from now on, in one thread for all workers of this process."""
    global _is_listening  # noqa: PLW0603 - one state per process
    with _lock:
        if _is_listening:
            return
        _is_listening = True
    never = threading.Event()
    threading.Thread(
        target=redis_messages.listen, args=(url, _wake, never), name="wake-ups", daemon=True
    ).start()


def _start_afresh() -> None:
    """Forget the threads of the parent, which a forked child has not, and a lock they may hold."""
    global _lock, _is_listening
    _lock, _is_listening = threading.Lock(), False
    _subscribed.clear()


os.register_at_fork(after_in_child=_start_afresh)
