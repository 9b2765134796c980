"""The calls by which all apps count; they do nothing while metrics are off.

What a transaction does is counted once it is committed.
"""

from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction

if TYPE_CHECKING:
    from config.lib.metrics.counters import Counters

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def request(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request that was answered with a status after so many seconds."""
    if settings.METRICS:
        known = method if method in METHODS else "OTHER"  # a client may make up any number
        found = _counters()
        found.requests.labels(route, known, str(status)).inc()
        found.request_seconds.labels(route).observe(seconds)


def poll(engine: str) -> None:
    """Count a poll of a job that the engine answered, or should have."""
    if settings.METRICS:
        _counters().polls.labels(engine).inc()


def engine_error(engine: str, step: str, error: Exception) -> None:
    """Count a step at an engine that failed."""
    if settings.METRICS:
        _counters().engine_errors.labels(engine, step, type(error).__name__).inc()


def video_ended(engine: str, status: str) -> None:
    """Count a video that ended in the caller's transaction."""
    if settings.METRICS:
        transaction.on_commit(partial(_counters().videos_ended.labels(engine, status).inc))


def credits_moved(kind: str, amount: int) -> None:
    """Count credits that an entry of the ledger moves in the caller's transaction."""
    if settings.METRICS:
        transaction.on_commit(partial(_counters().credits.labels(kind).inc, abs(amount)))


def webhook(result: str) -> None:
    """Count an attempt to deliver a webhook to a client."""
    if settings.METRICS:
        _counters().webhook_attempts.labels(result).inc()


def _counters() -> "Counters":
    # Only here: the import takes memory and time that others need not pay.
    from config.lib.metrics import counters  # noqa: PLC0415

    return counters.of_process()
