"""Counters that many processes share, exact under parallel load.

A window starts with its first hit and lasts as long as its rate says; every hit is one atomic step:
a Lua script in Redis, or one UPSERT in the database when there is no Redis, or it is away.
"""

import logging
import time
from functools import cache
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from config.lib.models import RateCounter

log = logging.getLogger(__name__)

SCRIPT = """
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {hits, redis.call('PTTL', KEYS[1])}
"""
UPSERT = """
INSERT INTO lib_ratecounter (key, hits, ends_ms) VALUES (%s, 1, %s)
ON CONFLICT (key) DO UPDATE SET
    hits = CASE WHEN lib_ratecounter.ends_ms <= %s THEN 1 ELSE lib_ratecounter.hits + 1 END,
    ends_ms = CASE WHEN lib_ratecounter.ends_ms <= %s THEN excluded.ends_ms
              ELSE lib_ratecounter.ends_ms END
RETURNING hits, ends_ms
"""
REDIS_SECONDS = 1.0


class Rate(NamedTuple):
    """So many hits in so many seconds; none are counted when `limit` is 0."""

    limit: int
    seconds: int


class Verdict(NamedTuple):
    """Where a counter stands after a hit; `reset` is in seconds."""

    rate: Rate
    hits: int
    reset: int

    @property
    def allowed(self) -> bool:
        return self.hits <= self.rate.limit

    @property
    def remaining(self) -> int:
        return max(self.rate.limit - self.hits, 0)


def hit(key: str, rate: Rate) -> Verdict:
    """Count one; the verdict says whether it was one too many."""
    if settings.REDIS_URL:
        try:
            hits, left_ms = _redis().eval(SCRIPT, 1, _name(key), rate.seconds * 1000)
            return Verdict(rate, hits, _seconds(left_ms))
        except redis.RedisError:
            log.warning("counting in the database: Redis does not answer", exc_info=True)
    now = _now_ms()
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [key, now + rate.seconds * 1000, now, now])
        hits, ends_ms = cursor.fetchone()
    return Verdict(rate, hits, _seconds(ends_ms - now))


def allows(key: str, limit: int, seconds: int) -> bool:
    """`hit`, for those who only want to know whether they may."""
    return hit(key, Rate(limit, seconds)).allowed


def clear(key: str) -> None:
    """Start from nothing."""
    if settings.REDIS_URL:
        try:
            _redis().delete(_name(key))
        except redis.RedisError:
            log.warning("a counter stays: Redis does not answer", exc_info=True)
    RateCounter.objects.filter(key=key).delete()


def sweep() -> None:
    """Remove the windows that are over."""
    RateCounter.objects.filter(ends_ms__lte=_now_ms()).delete()


def address_of(request: HttpRequest) -> str:
    """The client's address; what a header says of it counts only behind TRUSTED_PROXIES.

    Each trusted proxy has appended the address it saw, so that the client's own is so many from
    the right; an IPv6 client is its /64, for it has all of that.
    """
    found = request.META.get("REMOTE_ADDR") or ""
    if settings.TRUSTED_PROXIES:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        found = hops[-min(settings.TRUSTED_PROXIES, len(hops))].strip() or found
    return found


def network_of(request: HttpRequest) -> str:
    """Whom to count for an anonymous request."""
    try:
        address = ip_address(address_of(request))
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


@cache
def _redis() -> "redis.Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
    )


def _name(key: str) -> str:
    return f"firstlight:rate:{key}"


def _now_ms() -> int:
    return int(time.time() * 1000)


def _seconds(ms: int) -> int:
    return max(-(-ms // 1000), 1)
