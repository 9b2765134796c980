"""Names of tables go from process to process through Redis, also after Redis was away."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from config.lib.queues import redis_messages
from tests.backing import free_port
from tests.faults.processes import OwnRedis, wait_until

PUBLISH = "from config.lib.queues import redis_messages as m; m.publish({url!r}, {name!r})"


def publish_elsewhere(url: str, name: str) -> None:
    """Publish a name in another process."""
    subprocess.run([sys.executable, "-c", PUBLISH.format(url=url, name=name)], check=True)


Listen = Callable[[str], list[str | None]]


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    redis = OwnRedis()
    yield redis
    redis.kill()


@pytest.fixture
def listen(own_redis: OwnRedis) -> Iterator[Listen]:
    """Return a function that listens to a Redis, and returns the list of what arrives."""
    stop, threads = threading.Event(), list[threading.Thread]()

    def start(url: str) -> list[str | None]:
        received: list[str | None] = []
        threads.append(
            threading.Thread(target=redis_messages.listen, args=(url, received.append, stop))
        )
        threads[-1].start()
        wait_until(lambda: received == [None], "the subscription")
        return received

    yield start
    stop.set()
    own_redis.kill()
    for thread in threads:
        thread.join()


@pytest.fixture(autouse=True)
def _no_failure_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_messages, "_broken_until", 0.0)


def test_name_arrives_when_another_process_publishes_it(
    own_redis: OwnRedis, listen: Listen
) -> None:
    received = listen(own_redis.url)
    redis_messages.publish(own_redis.url, "lib.outgoingemail")  # which this process knows
    publish_elsewhere(own_redis.url, "videos.video")
    wait_until(lambda: received == [None, "videos.video"], "the name")


def test_name_does_not_arrive_in_another_database_of_the_same_redis(
    own_redis: OwnRedis, listen: Listen
) -> None:
    received = listen(own_redis.url)
    publish_elsewhere(own_redis.url.removesuffix("0") + "1", "videos.video")
    publish_elsewhere(own_redis.url, "lib.outgoingemail")
    wait_until(lambda: len(received) == 2, "the name")
    assert received == [None, "lib.outgoingemail"]


def test_names_may_have_been_missed_when_redis_was_away(
    own_redis: OwnRedis, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_messages, "PAUSE_SECONDS", 0.05)
    received = listen(own_redis.url)
    own_redis.kill()
    own_redis.start()
    wait_until(lambda: received == [None, None], "the subscription to the new Redis")
    publish_elsewhere(own_redis.url, "videos.video")
    wait_until(lambda: received == [None, None, "videos.video"], "the name")


def test_listener_connects_again_when_redis_hangs(
    own_redis: OwnRedis, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_messages, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(redis_messages, "PAUSE_SECONDS", 0.05)
    received = listen(own_redis.url)
    own_redis.freeze()
    time.sleep(0.5)
    own_redis.thaw()
    wait_until(lambda: None in received[1:], "another subscription")


def test_publishing_takes_no_time_when_redis_is_away() -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    began = time.monotonic()
    for _ in range(100):
        redis_messages.publish(url, "videos.video")
    assert time.monotonic() - began < redis_messages.TIMEOUT_SECONDS
