"""Of two beats on one Redis, one starts the periodic tasks until it is gone."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery
from django.conf import LazySettings

from config import beat
from config.celery import app as configured
from tests.faults.processes import OwnRedis, wait_until


@pytest.fixture
def own_redis(settings: LazySettings) -> Iterator[OwnRedis]:
    server = OwnRedis()
    try:
        client = redis.Redis(port=server.port)
        wait_until(lambda: _answers(client), "Redis")
        settings.REDIS_URL = server.url
        yield server
    finally:
        server.kill()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def scheduler(server: OwnRedis, file: Path) -> beat.Scheduler:
    """A beat with a task that is due every 20 milliseconds."""
    app = Celery("beats", broker=server.url, set_as_current=False)
    app.conf.beat_schedule = {"task": {"task": "a.task", "schedule": 0.02}}
    return beat.Scheduler(app=app, schedule_filename=str(file))


def messages_after(client: redis.Redis, turns: beat.Scheduler) -> int:
    """Let a beat run for a moment; return how many tasks it has started."""
    before = int(client.llen("celery"))
    until = time.monotonic() + 0.2
    while time.monotonic() < until and turns.tick() < beat.RENEW_SECONDS:
        time.sleep(0.02)
    return int(client.llen("celery")) - before


def test_celery_uses_the_scheduler_with_the_lease() -> None:
    assert configured.conf.beat_scheduler == f"{beat.__name__}:{beat.Scheduler.__name__}"


def test_only_the_beat_with_the_lease_starts_tasks(own_redis: OwnRedis, tmp_path: Path) -> None:
    client = redis.Redis(port=own_redis.port)
    first, second = (scheduler(own_redis, tmp_path / name) for name in ("first", "second"))
    assert messages_after(client, first) > 0
    assert messages_after(client, second) == 0
    # Nothing has been heard of the first one for so long that its lease has ended.
    client.delete(beat.KEY)
    assert messages_after(client, second) > 0
    assert messages_after(client, first) == 0
    # A beat that stops in order gives the lease up.
    second.close()
    assert messages_after(client, first) > 0
    first.close()


def test_lease_ends_by_itself(own_redis: OwnRedis) -> None:
    lease = beat.Lease(own_redis.url)
    assert lease.hold()
    left = redis.Redis(port=own_redis.port).pttl(beat.KEY)
    assert beat.RENEW_SECONDS < int(left) / 1000 <= beat.LEASE_SECONDS


def test_no_beat_has_the_lease_while_redis_is_away(own_redis: OwnRedis) -> None:
    lease = beat.Lease(own_redis.url)
    assert lease.hold()
    own_redis.kill()
    assert not lease.hold()
    own_redis.start()
    wait_until(lease.hold, "the lease")
