"""Connections: the database (SQLite or DATABASE_URL), the channel layer and the cache (Redis)."""

import re
from typing import Any

import dj_database_url

SQLITE: dict[str, Any] = {
    "OPTIONS": {
        # Without IMMEDIATE two writers that read first fail with "database is locked" at once.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=30000"
        ),
    },
    # Each thread keeps its connection: there is no pool, and opening the file costs 3 ms of CPU.
    "CONN_MAX_AGE": None,
}
# A server that has vanished without a word, as in a failover, is noticed after these times. The URL
# may name others. Milliseconds for tcp_user_timeout, otherwise seconds.
POSTGRESQL_OPTIONS: dict[str, Any] = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
# Seconds that a request waits for a connection, for a free one or for a server that is away.
POOL_WAIT_SECONDS = 10
# Seconds that the pool itself tries to connect. Its pauses double, so with a long time it would not
# notice for minutes that the server is back; after this each request makes it try again.
POOL_RECONNECT_SECONDS = 2


def read_database_url(value: str, *, pool_size: int, pgbouncer: bool) -> dict[str, Any]:
    """Parse a database URL; a driver in its scheme, such as `+asyncpg`, is dropped.

    A process keeps at most `pool_size` connections to PostgreSQL. `pgbouncer` says that the URL
    leads to a PgBouncer that pools transactions.
    """
    config: dict[str, Any] = dict(dj_database_url.parse(re.sub(r"^(\w+)\+\w+://", r"\1://", value)))
    if config["ENGINE"].endswith("postgresql"):
        config["ENGINE"] = "config.environment.postgresql"
        pool = {
            "min_size": 0,
            "max_size": pool_size,
            "timeout": POOL_WAIT_SECONDS,
            "reconnect_timeout": POOL_RECONNECT_SECONDS,
        }
        config["OPTIONS"] = {**POSTGRESQL_OPTIONS, **config.get("OPTIONS", {}), "pool": pool}
        # Server-side cursors outlive a transaction. Prepared statements are off in any case.
        config["DISABLE_SERVER_SIDE_CURSORS"] = pgbouncer
    elif config["ENGINE"].endswith("sqlite3"):
        config.update(SQLITE)
    else:
        raise ValueError("expected postgresql:// or sqlite://")
    return config


def channel_layers(redis_url: str) -> dict[str, Any]:
    if not redis_url:
        return {"default": {"BACKEND": "config.lib.realtime.channel_layer.InProcessChannelLayer"}}
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
