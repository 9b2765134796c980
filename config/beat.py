"""The scheduler of `celery beat`: of several, only the one that holds the lease starts tasks.

One beat is enough. A second one may run for a while, when a machine is replaced or was cut off:
it waits for the lease, and takes over when the first has not renewed it for LEASE_SECONDS.
"""

import logging
from typing import Any

import redis
from celery.beat import PersistentScheduler
from django.conf import settings
from redis.exceptions import LockError

from config.lib import liveness

log = logging.getLogger(__name__)

LEASE_SECONDS = 15.0
# How often the lease is renewed, or asked for.
RENEW_SECONDS = 5.0
KEY = "firstlight.beat"


class Lease:
    """The right to start periodic tasks, in Redis; without Redis there is one process."""

    def __init__(self, url: str) -> None:
        self._held: bool | None = None
        self._lock: Any = None
        if url:
            client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
            self._lock = client.lock(KEY, LEASE_SECONDS, blocking=False, thread_local=False)

    def hold(self) -> bool:
        """Take or renew the lease; False while another process has it, or Redis does not answer."""
        held = self._lock is None or self._renew()
        if held != self._held:
            log.info("this beat %s", "starts periodic tasks" if held else "waits for the lease")
        self._held = held
        return held

    def give_up(self) -> None:
        """Let another process have the lease at once."""
        if self._lock is not None:
            try:
                self._lock.release()
            except redis.RedisError:
                pass  # it was not ours, or ends by itself

    def _renew(self) -> bool:
        try:
            try:
                return bool(self._lock.reacquire())
            except LockError:  # it was never ours, or is no longer
                return bool(self._lock.acquire())
        except redis.RedisError as error:
            log.warning("the lease of beat could not be renewed: %s", error)
            return False


class Scheduler(PersistentScheduler):
    """Starts tasks while it holds the lease; a tick returns the seconds until the next one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._lease = Lease(settings.REDIS_URL)
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        liveness.note_turn("beat")
        if not self._lease.hold():
            return RENEW_SECONDS
        return min(float(super().tick(*args, **kwargs)), RENEW_SECONDS)

    def close(self) -> None:
        self._lease.give_up()
        super().close()
