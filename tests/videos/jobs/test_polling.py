"""Many videos are polled at once, whatever their engines take to answer."""

import time
from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from accounts.models import User
from tests.billing.conftest import grant_credits
from tests.verification.engines.test_http_connections import RawServer, with_length
from tests.videos.conftest import order, reloaded, running
from videos.engines import base
from videos.jobs.worker import executor
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
