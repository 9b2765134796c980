"""A Celery worker that stops lets its threads end what they have begun."""

import threading
from collections.abc import Iterator

import pytest
from celery.signals import worker_shutdown
from django.conf import LazySettings

from config.lib import draining
from config.lib.queues import worker_threads


@pytest.fixture(autouse=True)
def _goes_on_afterwards() -> Iterator[None]:
    yield
    draining.stopping.clear()


def test_celery_worker_waits_for_its_threads_when_it_stops() -> None:
    done: list[str] = []

    def work(stop: threading.Event) -> None:
        stop.wait()
        threading.Event().wait(0.3)  # a step that was under way
        done.append("recorded")

    thread = worker_threads.start(work, "steps")
    draining.stopping.set()
    worker_shutdown.send(sender=None)
    assert (done, thread.is_alive()) == (["recorded"], False)


def test_celery_worker_does_not_wait_for_ever(settings: LazySettings) -> None:
    settings.SHUTDOWN_SECONDS = -worker_threads.RECORD_SECONDS + 0.2
    release = threading.Event()

    def hang(stop: threading.Event) -> None:
        release.wait(20)

    thread = worker_threads.start(hang, "hangs")
    worker_shutdown.send(sender=None)
    assert thread.is_alive()
    release.set()
    thread.join()
