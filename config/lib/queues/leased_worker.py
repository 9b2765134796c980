"""A worker for rows that are leased while threads work on them, such as videos and e-mails.

Only the thread that calls the worker uses the database: SQLite has one writer, and a thread that
waits for the network should hold no connection.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Generic, TypeVar

from django.conf import settings
from django.db import close_old_connections
from django.db.models import Model

from config.lib import clock, liveness
from config.lib.connections import release_between_turns
from config.lib.queues import wakeups
from config.lib.queues.changes import DatabaseChanges

log = logging.getLogger(__name__)

Row = TypeVar("Row")
Result = TypeVar("Result")

# How soon an idle worker notices that its process is stopping.
STOP_SECONDS = 0.2


class LeasedWorker(ABC, Generic[Row, Result]):
    """Claims due rows, has threads work on them, and records the results.

    A subclass names its table and says how rows are claimed and recorded. An idle worker sleeps
    until a row is due, until a row is announced (see `wakeups`), or for the longest pause.
    """

    table: type[Model]
    # How often an idle worker asks a database that can tell whether anybody wrote something, and
    # how often it looks for rows that are due but may not be claimed yet.
    idle_seconds: float
    # How long an idle worker pauses at most, where the database tells of changes, and elsewhere.
    longest_pause_seconds = 5.0
    longest_pause_elsewhere_seconds = 1.0
    # How long a turn waits for results before it looks for due rows again.
    wait_seconds = 0.2

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, type(self).__name__)
        self._rows: dict[Future[Result], Row] = {}
        self._done: deque[Future[Result]] = deque()
        # Ends a wait: set when a row may be due, and when the work on one has ended.
        self._woken = threading.Event()
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
        # Before the claim, so that what is announced meanwhile ends the wait after it.
        self._woken.clear()
        self._claim()
        return self._drain()

    def drain(self) -> bool:
        """Record what is done without claiming more. False when nothing is left."""
        self._woken.clear()
        return self._drain()

    def _drain(self) -> bool:
        if not self._rows:
            return False
        self._renew()
        if not self._done:
            self._woken.wait(self.wait_seconds)
        if self._done:
            self._gather()
        # By numbers, because other threads append meanwhile.
        done = [self._done[n] for n in range(len(self._done))]
        self._record([(self._rows[future], future.result()) for future in done])
        for future in done:
            self._done.popleft()
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
        with wakeups.subscribed(self.table, self._woken):
            while not stop.is_set():
                liveness.note_turn(type(self).__name__)
                try:
                    release_between_turns()
                    # Asked before the turn, so that what is written meanwhile is noticed after it.
                    self._changes.any()
                    if not self.turn():
                        self._pause(stop)
                except Exception:  # a database outage must not end the worker
                    log.exception("a turn of %s failed", type(self).__name__)
                    stop.wait(self.idle_seconds)
        liveness.note_end(type(self).__name__)
        try:
            self.finish(settings.SHUTDOWN_SECONDS)
        except Exception:  # what was not recorded is due again after its lease
            log.exception("%s did not finish", type(self).__name__)
        close_old_connections()

    def _pause(self, stop: threading.Event) -> None:
        """Wait until a row may be due: announced, written by anybody, or its time has come."""
        asked = time.monotonic()
        until = asked + self._longest_pause()
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            if self._woken.wait(min(left, self.idle_seconds, STOP_SECONDS)):
                return
            if time.monotonic() - asked >= self.idle_seconds and self._changes.are_known:
                asked = time.monotonic()
                if self._changes.any():
                    return

    def _longest_pause(self) -> float:
        knows = self._changes.are_known
        longest = self.longest_pause_seconds if knows else self.longest_pause_elsewhere_seconds
        if (due := self._next_due()) is None:
            return longest
        wait_for = (due - clock.now()).total_seconds()
        # What is due and was not claimed has to wait for something else, such as a free place.
        return min(wait_for, longest) if wait_for > 0 else self.idle_seconds

    def _start(self, row: Row, work: Callable[[], Result]) -> None:
        self._watch(row, self._pool.submit(work))

    def _watch(self, row: Row, future: Future[Result]) -> None:
        """Record the result of a claimed row when the future has it."""
        self._rows[future] = row
        future.add_done_callback(self._note_end)

    def _note_end(self, future: Future[Result]) -> None:
        self._done.append(future)
        self._woken.set()

    def _gather(self) -> None:
        """Wait a moment for results that can be recorded together."""

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._renewed >= settings.LEASE.total_seconds() / 3:
            self._renewed = now
            self._renew_leases(list(self._rows.values()))
