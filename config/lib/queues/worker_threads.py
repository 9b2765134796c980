"""Threads that run beside the tasks of a Celery worker for as long as it does."""

import threading
import time
from collections.abc import Callable

from celery.signals import worker_shutdown
from django.conf import settings

from config.lib import draining

# What ends within SHUTDOWN_SECONDS also has to be recorded.
RECORD_SECONDS = 2

_threads: list[threading.Thread] = []


def start(work: Callable[[threading.Event], None], name: str) -> threading.Thread:
    """Start a thread that works until the worker stops."""
    thread = threading.Thread(target=work, args=[draining.stopping], name=name, daemon=True)
    _threads.append(thread)
    thread.start()
    return thread


@worker_shutdown.connect(weak=False)
def await_ends(**_: object) -> None:
    """Let what the threads have begun end: Celery waits for its tasks only."""
    until = time.monotonic() + settings.SHUTDOWN_SECONDS + RECORD_SECONDS
    for thread in _threads:
        thread.join(max(until - time.monotonic(), 0))
