"""Background work: one function for the embedded thread and for Celery's workers."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from celery import shared_task
from django.conf import settings
from django.db import close_old_connections

from config.lib import idempotency
from videos.account import deletion, email_digests
from videos.jobs import worker
from videos.media import uploads
from videos.models import Video
from videos.reports import refund_audit
from videos.webhooks import deliveries

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.2
# Steps that end within this time are settled together.
GATHER_SECONDS = 0.02
# So many steps are claimed ahead for each thread.
AHEAD = 4
# Of all threads, so many may be busy with downloads, which take long.
DOWNLOAD_SHARE = 0.5


class Engine:
    """Claims due videos, performs their steps on a few threads, settles them on the caller's.

    Only the calling thread touches the database: SQLite likes few writers, and a thread that waits
    for the network holds no connection.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "step")
        self._steps: dict[Future[worker.Result], Video] = {}
        self._renewed = time.monotonic()

    def turn(self) -> bool:
        """Take up what is due, settle what is done; waits a moment at most. False when idle."""
        if len(self._steps) <= self._threads:
            for video in self._claim():
                self._steps[self._pool.submit(worker.perform, video)] = video
        return self.drain()

    def drain(self) -> bool:
        """`turn`, without taking up anything new."""
        if not self._steps:
            return False
        self._renew()
        wait(self._steps, IDLE_SECONDS, FIRST_COMPLETED)
        time.sleep(GATHER_SECONDS)
        done = [step for step in self._steps if step.done()]
        worker.settle([(self._steps.pop(step), step.result()) for step in done])
        return True

    def close(self) -> None:
        """Drop what waits; a step under way ends, and its lease with it, unsettled."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _claim(self) -> list[Video]:
        room = self._threads * AHEAD - len(self._steps)
        downloading = sum(v.status == Video.Status.DOWNLOADING for v in self._steps.values())
        return worker.claim(room, downloads=downloading < self._threads * DOWNLOAD_SHARE)

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._renewed >= settings.LEASE.total_seconds() / 3:
            self._renewed = now
            worker.renew(list(self._steps.values()))


def run(stop: threading.Event, *others: Callable[[], object]) -> None:
    """Work until `stop` is set; `others` are called at every turn and must be quick."""
    engine = Engine(settings.WORKER_THREADS)
    while not stop.is_set():
        try:
            close_old_connections()
            busy = engine.turn()
            for other in others:
                other()
        except Exception:  # a database that is away for a while must not end the work
            log.exception("background work stumbled")
            busy = False
        if not busy:
            stop.wait(IDLE_SECONDS)
    engine.close()
    close_old_connections()


@shared_task(ignore_result=True, expires=5)
def tick(budget_seconds: float = 10.0) -> None:
    """Do what is due, for about `budget_seconds` at most; beat rings it every second."""
    engine = Engine(settings.WORKER_THREADS)
    until = time.monotonic() + budget_seconds
    try:
        while engine.turn() and time.monotonic() < until:
            pass
        while engine.drain():
            pass
    finally:
        engine.close()


@shared_task(ignore_result=True, expires=30)
def deliver_webhooks() -> None:
    """Tell clients' webhooks which videos have ended."""
    while deliveries.deliver_due():
        pass


@shared_task(ignore_result=True, expires=3600)
def audit_books() -> None:
    """Prove the books, once a night."""
    refund_audit.run_audit()


@shared_task(ignore_result=True, expires=3600)
def sweep() -> None:
    """Remove unused uploads and idempotency keys older than 24 hours, every quarter of an hour."""
    uploads.sweep()
    idempotency.delete_expired()


@shared_task(ignore_result=True, expires=600)
def sweep_accounts() -> None:
    """Finish what people who left have running, and forget them after 30 days."""
    deletion.erase_due_accounts()


@shared_task(ignore_result=True, expires=60)
def write_digests() -> None:
    """Write to those who want to hear which of their videos are ready, and which failed."""
    email_digests.send_due()
