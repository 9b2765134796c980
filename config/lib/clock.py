"""The clock of the database, by which leases, deadlines and the queue go.

Workers on several machines have clocks that differ. If each used its own, one that is half an hour
ahead would end every video that renders.
"""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

# How long one reading of the database's clock serves, counted by the monotonic clock.
READING_SECONDS = 60
_reading: tuple[datetime, float] | None = None


def now() -> datetime:
    """Return the database's time; SQLite runs in this process and has its clock.

    Asks PostgreSQL at most once in READING_SECONDS and counts on from there.
    """
    global _reading  # noqa: PLW0603 - one reading per process
    if connection.vendor != "postgresql" or not settings.USE_DATABASE_CLOCK:
        return timezone.now()
    reading = _reading
    if reading is None or time.monotonic() - reading[1] > READING_SECONDS:
        reading = _reading = _read()
    return reading[0] + timedelta(seconds=time.monotonic() - reading[1])


def _read() -> tuple[datetime, float]:
    asked = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (at,) = cursor.fetchone()
    # The database read its clock about half-way between the question and the answer.
    return at, (asked + time.monotonic()) / 2
