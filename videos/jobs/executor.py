"""Run the steps of claimed videos on threads; the calling thread alone uses the database."""

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.conf import settings

from videos.jobs import worker
from videos.models import Video

IDLE_SECONDS = 0.2
# Steps that end within this time are settled together.
GATHER_SECONDS = 0.02
# So many steps are claimed ahead for each thread.
CLAIMS_PER_THREAD = 4
# Of all threads, so many may be busy with downloads, which take long.
DOWNLOAD_SHARE = 0.5


class Executor:
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
        room = self._threads * CLAIMS_PER_THREAD - len(self._steps)
        downloading = sum(v.status == Video.Status.DOWNLOADING for v in self._steps.values())
        return worker.claim(room, downloads=downloading < self._threads * DOWNLOAD_SHARE)

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._renewed >= settings.LEASE.total_seconds() / 3:
            self._renewed = now
            worker.renew(list(self._steps.values()))
