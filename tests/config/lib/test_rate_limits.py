"""Rate counters that many processes share, in Redis and in the database, count exactly."""

import os
from collections import Counter as Tally
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.test import RequestFactory
from django.utils import timezone

from config.lib import rate_limits
from config.lib.models import RateCounter
from config.lib.rate_limits import Rate
from tests.racers import racers
from tests.tiers import rounds

ROUNDS = int(os.environ.get("RACE_ROUNDS", rounds(2, 100)))
RATE = Rate(3, 60)


@pytest.fixture(autouse=True)
def _empty_redis(db: None, settings: LazySettings) -> None:
    if settings.REDIS_URL:
        rate_limits._redis().flushdb()


@pytest.fixture(params=["as configured", "database", "redis away"])
def backend(request: pytest.FixtureRequest, settings: LazySettings) -> Iterator[str]:
    rate_limits._redis.cache_clear()
    if request.param == "database":
        settings.REDIS_URL = ""
    elif request.param == "redis away":
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
    yield str(request.param)
    rate_limits._redis.cache_clear()


def test_hits_are_refused_when_the_window_is_full(backend: str) -> None:
    results = [rate_limits.hit("a", RATE) for _ in range(5)]
    found = [(result.allowed, result.remaining) for result in results]
    assert found == [(True, 2), (True, 1), (True, 0), (False, 0), (False, 0)]
    assert {v.reset for v in results} <= {59, 60}
    assert rate_limits.hit("b", RATE).hits == 1


def test_count_restarts_when_cleared(backend: str) -> None:
    rate_limits.hit("a", RATE)
    rate_limits.clear("a")
    assert rate_limits.hit("a", RATE).hits == 1


def test_new_window_starts_when_the_previous_one_ends(settings: LazySettings) -> None:
    settings.REDIS_URL = ""
    start = timezone.now().replace(microsecond=0)
    found = []
    for second in (0, 20, 59, 60, 61):
        with time_machine.travel(start.timestamp() + second, tick=False):
            result = rate_limits.hit("a", RATE)
            found.append((result.hits, result.reset))
    assert found == [(1, 60), (2, 40), (3, 1), (1, 60), (2, 59)]


def test_counter_is_deleted_when_its_window_has_ended(settings: LazySettings) -> None:
    settings.REDIS_URL = ""
    with time_machine.travel(timezone.now().timestamp() - 61):
        rate_limits.hit("old", RATE)
    rate_limits.hit("new", RATE)
    rate_limits.delete_expired()
    assert list(RateCounter.objects.values_list("key", flat=True)) == ["new"]


def is_allowed(key: str, limit: int, seconds: int) -> bool:
    """Called by each of the racing processes."""
    return rate_limits.hit(key, Rate(limit, seconds)).allowed


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("redis", [pytest.param(True, marks=pytest.mark.scaled), False])
def test_exactly_ten_of_twenty_hits_are_allowed_when_four_processes_count_at_once(
    settings: LazySettings, redis: bool
) -> None:
    outcomes: Tally[tuple[int, int]] = Tally()
    with racers(4, REDIS_URL=settings.REDIS_URL if redis else "") as team:
        for n in range(ROUNDS):
            answers = Tally(
                team.race("tests.config.lib.test_rate_limits:is_allowed", f"race{n}", 10, 60)
            )
            outcomes[answers["ok"], answers["no"]] += 1
    assert outcomes == {(10, 10): ROUNDS}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "network"),
    [
        (0, "", "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (2, "10.0.0.1, 203.0.113.9, 192.0.2.8", "203.0.113.9"),
        (2, "203.0.113.9", "203.0.113.9"),
        (1, "", "192.0.2.1"),
        (1, "nonsense", "unknown"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_forwarded_address_is_used_when_a_trusted_proxy_sent_it(
    rf: RequestFactory, settings: LazySettings, proxies: int, forwarded: str, network: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    extra: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    request = rf.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_REAL_IP="1.1.1.1", **extra)
    assert rate_limits.network_of(request) == network
