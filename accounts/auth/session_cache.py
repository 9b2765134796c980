"""Copies of page sessions in Redis, none of which outlives a change of its row.

Whoever changes a row first blocks its copy. A block lasts longer than any copy may that was read
before it: a copy ends KEPT_SECONDS after its row was read, not after it was written, so a process
that stood still in between writes a copy that has ended already.
"""

import logging
import time
from functools import cache
from typing import TYPE_CHECKING

import redis
from django.conf import settings

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

KEPT_SECONDS = 60
# The clocks of our machines and of Redis may differ by this much.
CLOCKS_DIFFER_SECONDS = 30
REDIS_SECONDS = 1.0
BLOCKED = b""


def read(session_key: str) -> str | None:
    """Return the encoded session; None without a copy, and while Redis does not answer."""
    try:
        found = _redis().get(_name(session_key))
    except redis.RedisError:
        log.warning("a session is read from the database: Redis does not answer", exc_info=True)
        return None
    return found.decode() if isinstance(found, bytes) and found != BLOCKED else None


def fill(session_key: str, session_data: str, read_at: float) -> None:
    """Keep a copy of a row that was read at `read_at`, unless it is blocked; never fails."""
    ends_ms = int((read_at + KEPT_SECONDS) * 1000)
    try:
        _redis().set(_name(session_key), session_data, pxat=ends_ms, nx=True)
    except redis.RedisError:
        pass  # reading has said so


def block(session_key: str) -> bool:
    """Remove the copy, and have none written; return whether Redis has confirmed it."""
    try:
        seconds = KEPT_SECONDS + CLOCKS_DIFFER_SECONDS
        return bool(_redis().set(_name(session_key), BLOCKED, ex=seconds))
    except redis.RedisError:
        log.warning("the copy of a session is not blocked: Redis does not answer", exc_info=True)
        return False


def now() -> float:
    """Return the time to pass to `fill`, in seconds; take it before the row is read."""
    return time.time()


@cache
def _redis() -> "Redis":
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
    )


def _name(session_key: str) -> str:
    return f"firstlight:session:{session_key}"
