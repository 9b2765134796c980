"""Writes the log of API calls: a thread of the web process, about once a second and at its end."""

import logging
import threading
from collections import Counter
from uuid import UUID

from django.db import DatabaseError, close_old_connections

from accounts.models import ApiRequest
from accounts.request_log import buffer, retention

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
BATCH = 500
# After so many new rows of a user, the oldest beyond the limit are deleted.
TRIM_AFTER = 1000


class Writer:
    """Writes what the buffer has; `start` does so on a thread until `finish`."""

    def __init__(
        self, trim_after: int = TRIM_AFTER, most_per_user: int = retention.MOST_PER_USER
    ) -> None:
        self._trim_after, self._most_per_user = trim_after, most_per_user
        self._written: Counter[UUID] = Counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="request log", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self, seconds: float) -> None:
        """Have the thread write what is left, and wait at most `seconds` for it."""
        self._ended.set()
        self._thread.join(seconds)

    def write(self) -> None:
        """Write everything that waits. Raises DatabaseError; then it waits on."""
        waiting = buffer.take_all()
        if not waiting:
            return
        try:
            ApiRequest.objects.bulk_create(waiting, batch_size=BATCH)
        except DatabaseError:
            buffer.put_back(waiting)
            raise
        self._written.update(request.user_id for request in waiting)
        for user_id in [user for user, rows in self._written.items() if rows >= self._trim_after]:
            del self._written[user_id]
            retention.trim(user_id, self._most_per_user)

    def _run(self) -> None:
        while not self._ended.wait(PAUSE_SECONDS):
            self._try_to_write()
        self._try_to_write()

    def _try_to_write(self) -> None:
        try:
            close_old_connections()
            self.write()
        except Exception:  # without a database the calls wait in the buffer
            log.warning("the log of API calls could not be written", exc_info=True)
        finally:
            close_old_connections()
