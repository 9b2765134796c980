"""Run the steps of claimed videos: polls in one event loop, everything else on threads."""

import logging
import time
from collections import Counter
from concurrent.futures import Future
from datetime import datetime
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from django.conf import settings

from config.lib.queues.leased_worker import LeasedWorker
from videos.engines import base, poll_loop
from videos.engines.base import Job
from videos.jobs.worker import claim, execute, settle
from videos.models import Video

log = logging.getLogger(__name__)

# A turn that only records progress begins this long after the one before it, so that many polls
# are recorded together.
GATHER_SECONDS = 0.02
# How many videos are claimed for each thread.
CLAIMS_PER_THREAD = 4
# How many polls are under way at once, of all engines.
POLLS_AT_ONCE = 512
# The share of threads that downloads, which take long, may use.
DOWNLOAD_SHARE = 0.5


class Executor(LeasedWorker[Video, execute.Result]):
    """Claims due videos, executes their steps and settles the results."""

    table = Video
    idle_seconds = 0.2

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        # The engines of the videos that the event loop polls.
        self._polling: dict[UUID, str] = {}
        self._loop: poll_loop.PollLoop | None = None
        self._turn_began = 0.0

    def _claim(self) -> None:
        self._turn_began = time.monotonic()
        self._claim_polls()
        on_threads = len(self._rows) - len(self._polling)
        if on_threads > self._threads:
            return
        room = self._threads * CLAIMS_PER_THREAD - on_threads
        downloading = sum(
            v.status == Video.Status.DOWNLOADING or v.is_rescue_due
            for v in self._rows.values()
            if v.status != Video.Status.RUNNING
        )
        downloads = downloading < self._threads * DOWNLOAD_SHARE
        found = claim.claim_due(room, downloads=downloads, polled_elsewhere=self._engines.keys())
        for video in found:
            self._start(video, partial(execute.execute, video))

    @cached_property
    def _engines(self) -> dict[str, Any]:
        """The engines that the event loop can poll, by name."""
        found = {}
        for name in settings.ENGINES:
            try:
                engine = base.get(name)
            except Exception:  # its steps say so
                log.exception("the engine %s cannot be used", name)
            else:
                if poll_loop.takes(engine):
                    found[name] = engine
        return found

    def _claim_polls(self) -> None:
        # An engine that does not answer must not take the places of all others.
        under_way = Counter(self._polling.values())
        ready = [name for name in self._engines if under_way[name] < poll_loop.CONNECTIONS]
        if not ready:
            return
        room = min(POLLS_AT_ONCE - len(self._polling), poll_loop.CONNECTIONS)
        found = claim.claim_polls(room, ready)
        if not found:
            return
        if self._loop is None:
            self._loop = poll_loop.PollLoop(partial(execute.explain, "a poll"))
        polls = []
        for video in found:
            future: Future[Any] = Future()
            polls.append((self._engines[video.engine], video.engine_job_id, future))
            self._watch(video, future)
        self._polling |= {video.pk: video.engine for video in found}
        self._loop.poll(polls)

    def _next_due(self) -> datetime | None:
        return claim.next_due()

    def _gather(self) -> None:
        if len(self._rows) == len(self._done):
            return
        if all(_is_progress(self._done[n].result()) for n in range(len(self._done))):
            time.sleep(max(0.0, self._turn_began + GATHER_SECONDS - time.monotonic()))

    def _record(self, done: list[tuple[Video, execute.Result]]) -> None:
        for video, _ in done:
            self._polling.pop(video.pk, None)
        try:
            settle.settle(done)
        except Exception:  # their leases end and they are due again; the others must go on
            log.exception("the results of %d videos could not be recorded", len(done))

    def _renew_leases(self, rows: list[Video]) -> None:
        claim.renew_leases(rows)

    def close(self) -> None:
        super().close()
        if self._loop:
            self._loop.close()
            self._loop = None


def _is_progress(result: execute.Result) -> bool:
    return isinstance(result, Job) and result.is_under_way
