"""Moments and durations that the database computes itself.

On SQLite Django's own functions for them call Python for each row, which takes most of a report.
"""

from datetime import UTC, date, datetime
from typing import Any

from django.db.models import BigIntegerField, DateField, Func
from django.utils import timezone

# The offsets of all time zones are multiples of it.
QUARTER = 15 * 60


class QuarterHour(Func):
    """The number of quarters of an hour from 1970 to a moment, to group rows by."""

    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = f"(CAST(STRFTIME('%%%%s', %(expressions)s) AS INTEGER) / {QUARTER})"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = f"FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / {QUARTER})::bigint"
        return super().as_sql(compiler, connection, template=template, **context)


def day_of(quarter: int) -> date:
    """Return the day in the current time zone on which a quarter of an hour lies."""
    return timezone.localdate(datetime.fromtimestamp(quarter * QUARTER, UTC))


class UtcDay(Func):
    """The day of UTC on which a moment lies."""

    output_field = DateField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super().as_sql(compiler, connection, template="DATE(%(expressions)s)", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(%(expressions)s AT TIME ZONE 'UTC')::date"
        return super().as_sql(compiler, connection, template=template, **context)


class MicrosecondsBetween(Func):
    """The microseconds from one moment to another one; SQLite knows milliseconds only."""

    arity = 2
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(-1000 * CAST(ROUND(86400000.0 * (JULIANDAY(%(expressions)s))) AS INTEGER))"
        joiner = ") - JULIANDAY("
        return super().as_sql(compiler, connection, template=template, arg_joiner=joiner, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "(-1000000 * EXTRACT(EPOCH FROM (%(expressions)s)))::bigint"
        return super().as_sql(compiler, connection, template=template, arg_joiner=" - ", **context)
