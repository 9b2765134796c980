"""A worker for rows that are leased while threads work on them, such as videos and e-mails.

Only the thread that calls the worker uses the database: SQLite has one writer, and a thread that
waits for the network should hold no connection.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Generic, TypeVar

from django.conf import settings
from django.db import close_old_connections

from config.lib import clock
from config.lib.connections import release_between_turns
from config.lib.queues.changes import DatabaseChanges

log = logging.getLogger(__name__)

Row = TypeVar("Row")
Result = TypeVar("Result")


class LeasedWorker(ABC, Generic[Row, Result]):
    """Claims due rows, has threads work on them, and records the results.

    A subclass names how often an idle worker looks for due rows, and says how rows are claimed and
    recorded.
    """

    idle_seconds: float
    # How long an idle worker pauses at most, where the database tells that nothing has changed.
    longest_pause_seconds = 5.0
    # How long a turn waits for results before it looks for due rows again.
    wait_seconds = 0.2

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, type(self).__name__)
        self._rows: dict[Future[Result], Row] = {}
        self._renewed = time.monotonic()
        self._changes = DatabaseChanges()

    @abstractmethod
    def _claim(self) -> None:
        """Claim due rows and `_start` the work on them."""

    @abstractmethod
    def _record(self, done: list[tuple[Row, Result]]) -> None:
        """Record the results of rows; when this raises, the next turn records them again."""

    @abstractmethod
    def _renew_leases(self, rows: list[Row]) -> None:
        """Extend the leases of rows whose work is still running."""

    @abstractmethod
    def _next_due(self) -> datetime | None:
        """When the next row is due; None when none waits."""

    def turn(self) -> bool:
        """Claim what is due and record what is done, within `wait_seconds`. False when idle."""
        self._claim()
        return self.drain()

    def drain(self) -> bool:
        """Record what is done without claiming more. False when nothing is left."""
        if not self._rows:
            return False
        self._renew()
        wait(self._rows, self.wait_seconds, FIRST_COMPLETED)
        self._gather()
        done = [future for future in self._rows if future.done()]
        self._record([(self._rows[future], future.result()) for future in done])
        for future in done:
            del self._rows[future]
        return True

    def finish(self, seconds: float) -> None:
        """Record what the claimed rows find, for at most `seconds`, and close."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until and self.drain():
                pass
        finally:
            self.close()

    def close(self) -> None:
        """Drop waiting rows; running ones end unrecorded, and their leases expire."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def run(self, stop: threading.Event) -> None:
        """Take turns until `stop` is set. What runs by then has SHUTDOWN_SECONDS to end."""
        while not stop.is_set():
            try:
                release_between_turns()
                # Asked before the turn, so that what is written meanwhile is noticed after it.
                self._changes.any()
                if not self.turn():
                    self._pause(stop)
            except Exception:  # a database outage must not end the worker
                log.exception("a turn of %s failed", type(self).__name__)
                stop.wait(self.idle_seconds)
        try:
            self.finish(settings.SHUTDOWN_SECONDS)
        except Exception:  # what was not recorded is due again after its lease
            log.exception("%s did not finish", type(self).__name__)
        close_old_connections()

    def _pause(self, stop: threading.Event) -> None:
        """Wait until a row may be due: when its time comes, or when anybody wrote something."""
        wait_for = 0.0
        if self._changes.are_known:
            wait_for, due = self.longest_pause_seconds, self._next_due()
            if due is not None:
                wait_for = min(wait_for, (due - clock.now()).total_seconds())
        until = time.monotonic() + wait_for
        while not stop.wait(self.idle_seconds):
            if time.monotonic() >= until or self._changes.any():
                return

    def _start(self, row: Row, work: Callable[[], Result]) -> None:
        self._rows[self._pool.submit(work)] = row

    def _gather(self) -> None:
        """Wait a moment for results that can be recorded together."""

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._renewed >= settings.LEASE.total_seconds() / 3:
            self._renewed = now
            self._renew_leases(list(self._rows.values()))
