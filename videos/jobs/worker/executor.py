"""Run the steps of claimed videos on threads; the calling thread alone uses the database."""

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.conf import settings

from videos.jobs.worker import claim, execute, settle
from videos.models import Video

IDLE_SECONDS = 0.2
# Results that arrive within this time are recorded together.
GATHER_SECONDS = 0.02
# How many videos are claimed for each thread.
CLAIMS_PER_THREAD = 4
# The share of threads that downloads, which take long, may use.
DOWNLOAD_SHARE = 0.5


class Executor:
    """Claims due videos, executes their steps on threads and records the results.

    Only the calling thread uses the database: SQLite has one writer, and a thread that waits for
    the network should hold no connection.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "step")
        self._steps: dict[Future[execute.Result], Video] = {}
        self._renewed = time.monotonic()

    def turn(self) -> bool:
        """Claim what is due and record what is done, within IDLE_SECONDS. False when idle."""
        if len(self._steps) <= self._threads:
            for video in self._claim():
                self._steps[self._pool.submit(execute.execute, video)] = video
        return self.drain()

    def drain(self) -> bool:
        """Record what is done without claiming more. False when nothing is left."""
        if not self._steps:
            return False
        self._renew()
        wait(self._steps, IDLE_SECONDS, FIRST_COMPLETED)
        time.sleep(GATHER_SECONDS)
        done = [step for step in self._steps if step.done()]
        settle.settle([(self._steps.pop(step), step.result()) for step in done])
        return True

    def finish(self, seconds: float) -> None:
        """Record what the claimed steps find, for at most `seconds`, and close."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until and self.drain():
                pass
        finally:
            self.close()

    def close(self) -> None:
        """Drop waiting steps; running ones end unrecorded, and their leases expire."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _claim(self) -> list[Video]:
        room = self._threads * CLAIMS_PER_THREAD - len(self._steps)
        downloading = sum(v.status == Video.Status.DOWNLOADING for v in self._steps.values())
        return claim.claim_due(room, downloads=downloading < self._threads * DOWNLOAD_SHARE)

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._renewed >= settings.LEASE.total_seconds() / 3:
            self._renewed = now
            claim.renew_leases(list(self._steps.values()))
