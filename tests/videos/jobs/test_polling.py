"""Many videos are polled at once, whatever their engines take to answer."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from tests.billing.conftest import grant_credits
from tests.verification.engines.test_http_connections import RawServer, serving, with_length
from tests.videos.conftest import order, reloaded, running
from videos.engines import base
from videos.engines.base import Job, JobState
from videos.jobs import removal
from videos.jobs.worker import claim, executor, polls
from videos.models import Video

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 20
ANSWER_SECONDS = 0.5


class SlowServer(RawServer):
    """An engine whose every answer takes a while."""

    def _pause(self) -> None:
        time.sleep(ANSWER_SECONDS)


@pytest.fixture
def slow_engine(settings: LazySettings) -> Iterator[SlowServer]:
    server = SlowServer(with_length(b'{"id": "x", "status": "in_progress", "progress": 40}'))
    settings.ENGINES = {"slow": {**settings.ENGINES["sandbox"], "base_url": f"{server.url}/v1"}}
    base.get.cache_clear()
    yield server
    server.close()


def test_videos_are_polled_at_once_when_their_engine_is_slow(
    alice: User, slow_engine: SlowServer
) -> None:
    """On two threads two would be polled at once."""
    grant_credits(alice, 20 * MANY)
    videos = [running(order(alice, f"Boat {n}"), poll_after=60.0) for n in range(MANY)]
    Video.objects.update(next_step_at=videos[0].created_at)
    before = Video.objects.count()
    worker, began = executor.Executor(2), time.monotonic()
    try:
        while Video.objects.filter(progress=40).count() < before:
            worker.turn()
            assert time.monotonic() - began < 10
    finally:
        worker.close()
    assert slow_engine.most_at_once > MANY / 2
    assert {video.lease for video in map(reloaded, videos)} == {None}


def test_engine_that_does_not_answer_keeps_no_other_engine_waiting(
    alice: User, settings: LazySettings
) -> None:
    """It has more videos that are due, and for longer, than are polled at once."""
    progressing = with_length(b'{"id": "x", "status": "in_progress", "progress": 40}')
    with serving(progressing) as quick, serving() as silent:
        settings.ENGINES = {
            name: {**settings.ENGINES["sandbox"], "base_url": f"{server.url}/v1"}
            for name, server in {"quick": quick, "silent": silent}.items()
        }
        base.get.cache_clear()
        video = running(order(alice, "Boat"), poll_after=60.0)
        Video.objects.update(next_step_at=timezone.now())
        fields = {field.attname: getattr(video, field.attname) for field in Video._meta.fields}
        fields |= {"engine": "silent", "next_step_at": video.created_at - timedelta(hours=1)}
        Video.objects.bulk_create(
            Video(**{**fields, "id": uuid4(), "engine_job_id": f"job{n}"})
            for n in range(executor.POLLS_AT_ONCE + 1)
        )
        worker, began = executor.Executor(2), time.monotonic()
        try:
            while reloaded(video).progress != 40:
                worker.turn()
                assert time.monotonic() - began < 10
        finally:
            worker.close()


@pytest.mark.parametrize("first", [0, 1])
def test_polls_are_recorded_while_their_videos_are_deleted(alice: User, first: int) -> None:
    """Neither waits for the other: both lock the feed before the videos."""
    grant_credits(alice, 40)
    made = [running(order(alice, f"Boat {n}"), poll_after=60.0) for n in range(2)]
    Video.objects.update(next_step_at=timezone.now())
    leased = claim.claim_polls(2, [made[0].engine])
    polled = [(video, Job(video.engine_job_id, JobState.RUNNING)) for video in leased]
    recording = threading.Thread(target=record, args=(polled,))

    def one_after_the_other() -> Iterator[Video]:
        yield made[first]
        recording.start()
        time.sleep(0.3)  # until it waits for what we have locked
        yield made[1 - first]

    removal.delete_all(one_after_the_other())
    recording.join()

    assert [reloaded(video).status for video in made] == ["cancelled", "cancelled"]


def record(polled: list[tuple[Video, Job]]) -> None:
    try:
        polls.record_polls(polled)
    finally:
        connection.close()
