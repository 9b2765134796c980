"""Wake the workers of a table that is a queue, as soon as one of its rows may be due.

`announce` is the one function that says so. Workers of this process hear it at once, those of other
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
# The process that listens to Redis: a forked child has its parent's variables, but no threads.
_listening_pid = 0


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
    """Hear other processes from now on, in one thread for all workers of this process."""
    global _listening_pid  # noqa: PLW0603
    with _lock:
        if _listening_pid == os.getpid():
            return
        _listening_pid = os.getpid()
    never = threading.Event()
    threading.Thread(
        target=redis_messages.listen, args=(url, _wake, never), name="wake-ups", daemon=True
    ).start()
