"""The figures of /metrics that are read when somebody asks: from the database and this machine.

The figures of the database are the same for every process that is asked: take their maximum, never
their sum. A database that does not answer leaves `database_up` at 0 and the rest of the page whole.
"""

import logging
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Min, Q

from billing.reports import audit_state
from config.lib import alerts, clock, disk
from config.lib.metrics.counters import Gauge
from config.lib.models import OutgoingEmail
from videos.jobs.engine_choice import circuit_breaker
from videos.realtime import limits
from videos.reports import queues
from videos.reports.queues import Waiting

log = logging.getLogger(__name__)


def of_process() -> list[Gauge]:
    """Return what only this process and its machine know."""
    free = {str(folder): float(disk.free_bytes(folder)) for folder in disk.folders()}
    sockets = {"": float(limits.count_all())}
    return [
        Gauge("live_connections", "Open sockets, event streams and long polls", "", sockets),
        Gauge("disk_free_bytes", "Free bytes on the disk of a folder", "folder", free),
        *_pool(),
    ]


def of_database() -> list[Gauge]:
    """Return what the database knows; a fixed number of queries."""
    try:
        found = list(_of_database())
    except DatabaseError as error:
        log.warning("the figures of the database could not be read: %s", error)
        found = []
    up = Gauge("database_up", "Whether the database answers", "", {"": float(bool(found))})
    return [up, *found]


def _of_database() -> Iterator[Gauge]:
    states = queues.videos_by_state()
    yield _counted("videos", "Videos that have not ended", "state", states)
    yield _aged("videos_oldest_seconds", "Age of the oldest of these orders", "state", states)
    waiting = {
        "steps": queues.overdue_steps(),
        "edits": queues.edits(),
        "webhooks": queues.webhooks(),
        "emails": _emails(),
    }
    yield _counted("queue_waiting", "Rows that are due or tried again later", "queue", waiting)
    yield _aged("queue_overdue_seconds", "For how long the oldest is due", "queue", waiting)
    is_open = circuit_breaker.open_circuits()
    circuits = {name: float(name in is_open) for name in settings.ENGINES}
    yield Gauge("engine_circuit_open", "Whether an engine gets no orders", "engine", circuits)
    yield from _audit()
    review = {"payments": float(audit_state.count_payments_to_review())}
    yield Gauge("review_waiting", "What waits for a decision of staff", "queue", review)
    yield Gauge("alerts_open", "Alerts to staff that are open", "kind", alerts.count_open())
    yield from _server_connections()


def _audit() -> Iterator[Gauge]:
    last = audit_state.last_audit()
    if last:
        age = (clock.now() - last.run_at).total_seconds()
        yield Gauge("audit_age_seconds", "Since the last audit", "", {"": age})
        problems = {"": float(last.problems)}
        yield Gauge("audit_problems", "Problems that the last audit left", "", problems)


def _emails() -> Waiting:
    now = clock.now()
    queued = OutgoingEmail.objects.filter(next_try_at__isnull=False)
    late = Q(state=OutgoingEmail.State.WAITING)
    found = queued.aggregate(count=Count("pk"), oldest=Min("round_started_at", filter=late))
    since = found["oldest"]
    return Waiting(found["count"], (now - since).total_seconds() if since else 0.0)


def _pool() -> Iterator[Gauge]:
    """Yield how many connections to PostgreSQL this process has, and who waits for one."""
    pool = connection.pool if connection.vendor == "postgresql" else None  # type: ignore[attr-defined]
    if pool:
        stats = pool.get_stats()
        named = {
            "open": "pool_size", "idle": "pool_available", "waiting": "requests_waiting",
            "most": "pool_max",
        }  # fmt: skip
        values = {state: float(stats.get(name, 0)) for state, name in named.items()}
        yield Gauge("database_pool", "Connections of this process", "state", values)


def _server_connections() -> Iterator[Gauge]:
    """Yield how many connections all processes have at the server, and how many it allows."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),"
                " current_setting('max_connections')::int"
            )
            used, most = cursor.fetchone()
        values = {"used": float(used), "most": float(most)}
        yield Gauge("database_connections", "Connections at the server", "state", values)


def _counted(name: str, text: str, label: str, found: dict[str, Waiting]) -> Gauge:
    return Gauge(name, text, label, {key: float(one.count) for key, one in found.items()})


def _aged(name: str, text: str, label: str, found: dict[str, Waiting]) -> Gauge:
    return Gauge(name, text, label, {key: one.oldest_seconds for key, one in found.items()})
