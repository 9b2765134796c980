"""Carry the names of tables with due rows from process to process, through Redis.

Nothing here raises: a message that is lost costs the pause of an idle worker and nothing else.
"""

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import redis

log = logging.getLogger(__name__)

# A request that orders a video must not wait for a Redis that does not answer.
TIMEOUT_SECONDS = 0.5
# After a failure nothing is sent for this long, and a listener waits before it connects again.
PAUSE_SECONDS = 1.0
# A listener that receives nothing for this long asks Redis whether it is still there.
QUIET_SECONDS = 5.0

Handler = Callable[[str | None], None]

_broken_until = 0.0
_START = secrets.token_hex(8)


def publish(url: str, name: str) -> None:
    """Send the name of a table to all other processes that listen."""
    global _broken_until  # noqa: PLW0603 - one state per process
    if time.monotonic() < _broken_until:
        return
    try:
        _client(url).publish(_channel(url), f"{_sender()} {name}")
    except (redis.RedisError, OSError) as error:
        _broken_until = time.monotonic() + PAUSE_SECONDS
        log.warning("workers of other processes could not be woken: %s", error)


def listen(url: str, handle: Handler, stop: threading.Event) -> None:
    """Call `handle` with every name that other processes publish, until `stop` is set.

    It is called with None whenever the connection has just been made: names may have been missed.
    """
    while not stop.is_set():
        try:
            client: Any = redis.Redis.from_url(url, socket_connect_timeout=TIMEOUT_SECONDS)
            with client, client.pubsub() as messages:
                messages.subscribe(_channel(url))
                _handle_all(messages, handle, stop)
        except Exception as error:  # whatever it is, the process has to listen again
            log.warning("wake-ups of other processes do not arrive: %s", error)
            stop.wait(PAUSE_SECONDS)


def _handle_all(messages: "redis.client.PubSub", handle: Handler, stop: threading.Event) -> None:
    """Handle messages until the connection breaks, or Redis does not answer for QUIET_SECONDS."""
    asked = False
    while not stop.is_set():
        message = messages.get_message(timeout=QUIET_SECONDS)
        if message is None and asked:
            raise redis.ConnectionError("Redis does not answer")
        asked = message is None
        if message is None:
            messages.ping()
        elif message["type"] == "subscribe":
            handle(None)
        elif message["type"] == "message":
            sender, name = message["data"].decode().split(" ", 1)
            if sender != _sender():
                handle(name)


def _sender() -> str:
    """This process; a forked one is another."""
    return f"{os.getpid()}.{_START}"


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )


@cache
def _channel(url: str) -> str:
    """A channel of this installation: the databases of a Redis have their channels in common."""
    options = _client(url).connection_pool.connection_kwargs
    return f"firstlight.{options.get('db', 0)}.due-rows"
