"""Rate limits: counters that all processes share, exact under parallel load.

A window starts with the first hit and lasts as long as its rate says. Every hit is one atomic step:
a Lua script in Redis, or one UPSERT in the database without Redis or while Redis does not answer.

What one user may do is counted by `use`, with the same counters for the API and the pages:

    generate   ordering videos
    batch      ordering in batches, each line
    upload     uploading files
    tasks      reading tasks
    prompt_help  having prompts improved by a chat model
    other      everything else that is counted: all other calls of the API; search, CSV and ZIP
               files and purchases on pages
"""

import logging
import time
from collections.abc import Mapping
from functools import cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils.translation import ngettext

from config.lib.models import RateCounter

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

log = logging.getLogger(__name__)

Limit = Literal[
    "register",
    "login",
    "auth",
    "generate",
    "batch",
    "upload",
    "tasks",
    "events",
    "prompt_help",
    "other",
]
SCRIPT = """
local hits = redis.call('INCRBY', KEYS[1], ARGV[2])
if hits == tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {hits, redis.call('PTTL', KEYS[1])}
"""
UPSERT = """
INSERT INTO lib_ratecounter (key, hits, ends_ms) VALUES (%s, %s, %s)
ON CONFLICT (key) DO UPDATE SET
    hits = excluded.hits
           + CASE WHEN lib_ratecounter.ends_ms <= %s THEN 0 ELSE lib_ratecounter.hits END,
    ends_ms = CASE WHEN lib_ratecounter.ends_ms <= %s THEN excluded.ends_ms
              ELSE lib_ratecounter.ends_ms END
RETURNING hits, ends_ms
"""
REDIS_SECONDS = 1.0


class Rate(NamedTuple):
    """At most `limit` hits in `seconds`; a limit of 0 switches the rate off."""

    limit: int
    seconds: int


class Verdict(NamedTuple):
    """The state of a counter after a hit; `reset` is the rest of its window in seconds."""

    rate: Rate
    hits: int
    reset: int

    @property
    def allowed(self) -> bool:
        return self.hits <= self.rate.limit

    @property
    def remaining(self) -> int:
        return max(self.rate.limit - self.hits, 0)


class TooManyAttempts(Exception):
    """The rate is exhausted; `wait` is in seconds."""

    def __init__(self, wait: int, text: str = "") -> None:
        super().__init__(text or try_again(wait))
        self.wait = wait


def try_again(wait: int) -> str:
    """Say that a rate is exhausted and when to try again; `wait` is in seconds."""
    minutes = max(-(-wait // 60), 1)
    text = ngettext(
        "Too many attempts. Try again in %(n)d minute.",
        "Too many attempts. Try again in %(n)d minutes.",
        minutes,
    )
    return text % {"n": minutes}


def _refusal(wait: int) -> str:
    minutes = max(-(-wait // 60), 1)
    text = ngettext(
        "You did this too often. Nothing was changed or charged. Try again in %(n)d minute.",
        "You did this too often. Nothing was changed or charged. Try again in %(n)d minutes.",
        minutes,
    )
    return text % {"n": minutes}


def check(key: str, rate: Rate) -> None:
    """Count one hit. Raises TooManyAttempts when it is more than the rate allows."""
    if rate.limit:
        verdict = hit(key, rate)
        if not verdict.allowed:
            raise TooManyAttempts(verdict.reset)


def use(limit: Limit, user: "AbstractBaseUser", times: int = 1) -> None:
    """Count what a user does against one of the limits. Raises TooManyAttempts.

    All `times` count, also when they are refused.
    """
    rate = rate_of(limit)
    if rate.limit:
        verdict = hit(key_of(limit, user), rate, times)
        if not verdict.allowed:
            raise TooManyAttempts(verdict.reset, _refusal(verdict.reset))


def rate_of(limit: Limit) -> Rate:
    """Return the configured rate of a limit."""
    rates = {
        "register": settings.RATE_SIGN_IN,
        "login": settings.RATE_SIGN_IN,
        "auth": settings.RATE_AUTH,
        "generate": settings.RATE_GENERATE,
        "batch": settings.RATE_BATCH,
        "upload": settings.RATE_UPLOAD,
        "tasks": settings.RATE_TASKS,
        "events": settings.RATE_EVENTS,
        "prompt_help": settings.RATE_PROMPT_HELP,
        "other": settings.RATE_OTHER,
    }
    return Rate(*rates[limit])


def key_of(limit: Limit, user: "AbstractBaseUser | AnonymousUser") -> str:
    """Return the name of a user's counter; what staff do who view as a user counts for them."""
    return f"{limit}:user:{getattr(user, 'viewed_by', user).pk}"


def hit(key: str, rate: Rate, times: int = 1) -> Verdict:
    """Count hits and return the state of the counter."""
    if settings.REDIS_URL:
        try:
            hits, left_ms = _redis().eval(SCRIPT, 1, _name(key), rate.seconds * 1000, times)
            return Verdict(rate, hits, _seconds(left_ms))
        except redis.RedisError:
            log.warning("counting in the database: Redis does not answer", exc_info=True)
    now = _now_ms()
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [key, times, now + rate.seconds * 1000, now, now])
        hits, ends_ms = cursor.fetchone()
    return Verdict(rate, hits, _seconds(ends_ms - now))


def clear(key: str) -> None:
    """Reset a counter."""
    if settings.REDIS_URL:
        try:
            _redis().delete(_name(key))
        except redis.RedisError:
            log.warning("counter %s is not reset: Redis does not answer", key, exc_info=True)
    RateCounter.objects.filter(key=key).delete()


def delete_expired() -> None:
    """Delete the counters whose window has ended."""
    RateCounter.objects.filter(ends_ms__lte=_now_ms()).delete()


def address_of(request: HttpRequest) -> str:
    """Return the client's address.

    X-Forwarded-For counts only behind TRUSTED_PROXIES: each of them appended the address it saw, so
    the client's own address is that many entries from the right.
    """
    meta = request.META
    return address_behind_proxies(
        meta.get("REMOTE_ADDR") or "", meta.get("HTTP_X_FORWARDED_FOR", "")
    )


def address_of_scope(scope: Mapping[str, Any]) -> str:
    """Return the client's address of an ASGI connection, as `address_of` does of a request."""
    client = scope.get("client") or ("",)
    # Django joins a header that was sent more than once in the same way.
    sent = [value for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    return address_behind_proxies(str(client[0]), b",".join(sent).decode("latin-1"))


def address_behind_proxies(peer: str, forwarded_for: str) -> str:
    """Return the client's address, of the connection's other end and X-Forwarded-For."""
    if not settings.TRUSTED_PROXIES:
        return peer
    hops = forwarded_for.split(",")
    return hops[-min(settings.TRUSTED_PROXIES, len(hops))].strip() or peer


def network_of(request: HttpRequest) -> str:
    """Return the network to count an anonymous request for: an IPv4 address or an IPv6 /64."""
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
