"""An idle worker asks the database for due rows only when there may be some."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from config.lib import clock, liveness
from config.lib.models import OutgoingEmail
from config.lib.queues.leased_worker import LeasedWorker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


class IdleWorker(LeasedWorker[OutgoingEmail, None]):
    """Never finds a row, and counts how often it looked."""

    table = OutgoingEmail
    idle_seconds = 0.01
    turns = 0
    due: datetime | None = None

    def _claim(self) -> None:
        self.turns += 1

    def _next_due(self) -> datetime | None:
        return self.due

    def _record(self, done: list[tuple[OutgoingEmail, None]]) -> None: ...

    def _renew_leases(self, rows: list[OutgoingEmail]) -> None: ...

    def wait_for_turns(self, count: int) -> None:
        until = time.monotonic() + 10
        while self.turns < count and time.monotonic() < until:
            time.sleep(0.005)
        assert self.turns == count


@contextmanager
def running(worker: IdleWorker) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=[stop])
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_idle_worker_looks_again_only_when_something_was_written() -> None:
    worker = IdleWorker(1)
    with running(worker):
        worker.wait_for_turns(1)
        time.sleep(20 * worker.idle_seconds)
        worker.wait_for_turns(1)
        OutgoingEmail.objects.create(created_at=clock.now(), round_started_at=clock.now())
        worker.wait_for_turns(2)


def test_idle_worker_looks_again_when_a_row_becomes_due() -> None:
    worker = IdleWorker(1)
    due = worker.due = clock.now() + timedelta(seconds=0.2)
    with running(worker):
        worker.wait_for_turns(1)
        worker.due = None
        worker.wait_for_turns(2)
        assert clock.now() >= due


def test_worker_whose_turn_does_not_end_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = IdleWorker(1)
    with running(worker):
        worker.wait_for_turns(1)
        assert "IdleWorker" not in liveness.stuck_loops()
        monkeypatch.setattr(liveness, "STUCK_SECONDS", -1.0)
        assert "IdleWorker" in liveness.stuck_loops()
    # One that was told to stop is not.
    assert "IdleWorker" not in liveness.stuck_loops()
