"""Run the steps of claimed videos on threads."""

import logging
import time
from datetime import datetime
from functools import partial

from config.lib.queues.leased_worker import LeasedWorker
from videos.jobs.worker import claim, execute, settle
from videos.models import Video

log = logging.getLogger(__name__)

# Results that arrive within this time are recorded together.
GATHER_SECONDS = 0.02
# How many videos are claimed for each thread.
CLAIMS_PER_THREAD = 4
# The share of threads that downloads, which take long, may use.
DOWNLOAD_SHARE = 0.5


class Executor(LeasedWorker[Video, execute.Result]):
    """Claims due videos, executes their steps and settles the results."""

    table = Video
    idle_seconds = 0.2

    def _claim(self) -> None:
        if len(self._rows) > self._threads:
            return
        room = self._threads * CLAIMS_PER_THREAD - len(self._rows)
        downloading = sum(
            v.status == Video.Status.DOWNLOADING or v.is_rescue_due for v in self._rows.values()
        )
        downloads = downloading < self._threads * DOWNLOAD_SHARE
        for video in claim.claim_due(room, downloads=downloads):
            self._start(video, partial(execute.execute, video))

    def _next_due(self) -> datetime | None:
        return claim.next_due()

    def _gather(self) -> None:
        if len(self._rows) > len(self._done):
            time.sleep(GATHER_SECONDS)

    def _record(self, done: list[tuple[Video, execute.Result]]) -> None:
        try:
            settle.settle(done)
        except Exception:  # their leases end and they are due again; the others must go on
            log.exception("the results of %d videos could not be recorded", len(done))

    def _renew_leases(self, rows: list[Video]) -> None:
        claim.renew_leases(rows)
