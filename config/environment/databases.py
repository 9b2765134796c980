"""Connections: the database (SQLite or DATABASE_URL), the channel layer and the cache (Redis)."""

import re
from typing import Any

import dj_database_url

SQLITE_OPTIONS: dict[str, Any] = {
    # Without IMMEDIATE two writers that read first fail with "database is locked" at once.
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=30000",
}


def read_database_url(value: str) -> dict[str, Any]:
    """Parse a database URL; a driver in its scheme, such as `+asyncpg`, is dropped."""
    config: dict[str, Any] = dict(dj_database_url.parse(re.sub(r"^(\w+)\+\w+://", r"\1://", value)))
    if config["ENGINE"].endswith("postgresql"):
        config["OPTIONS"] = {**config.get("OPTIONS", {}), "pool": {"min_size": 0, "max_size": 40}}
    elif config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = SQLITE_OPTIONS
    else:
        raise ValueError("expected postgresql:// or sqlite://")
    return config


def channel_layers(redis_url: str) -> dict[str, Any]:
    if not redis_url:
        return {"default": {"BACKEND": "config.lib.channel_layer.InProcessChannelLayer"}}
    # channels_redis blocks for 5 s, so the time-out of redis-py must be longer.
    host = {"address": redis_url, "socket_timeout": 15}
    return {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [host], "capacity": 1000, "expiry": 30},
        }
    }


def caches(redis_url: str) -> dict[str, Any]:
    if not redis_url:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    redis = "django.core.cache.backends.redis.RedisCache"
    return {"default": {"BACKEND": redis, "LOCATION": redis_url}}
