"""What is looked at again and again during a run: limits, and connections to the database."""

import contextlib
import threading
from collections import Counter

from django.db import Error, connection
from django.db.models import Count

from benchmarks.scaled.pgbouncer import OwnPgBouncer
from videos.jobs.engine_choice.engine_limits import AT_ENGINE
from videos.models import Video

EVERY_SECONDS = 0.5


class Sampler:
    """A thread that keeps the most that it saw of each."""

    def __init__(self, pgbouncer: OwnPgBouncer) -> None:
        self._pgbouncer = pgbouncer
        self.jobs_of_a_user = self.jobs_of_the_engine = self.to_server = 0
        self.connections: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            with contextlib.suppress(Error):
                self._count_jobs()
            # `|` keeps the larger number of each program.
            self.connections |= Counter(self._pgbouncer.connections_by_program())
            self.to_server = max(self.to_server, self._pgbouncer.connections_to_server())
        connection.close()

    def _count_jobs(self) -> None:
        connection.close_if_unusable_or_obsolete()
        rows = Video.objects.filter(status__in=AT_ENGINE).order_by().values("user_id")
        busy = [row["n"] for row in rows.annotate(n=Count("pk"))]
        self.jobs_of_a_user = max(self.jobs_of_a_user, *busy, 0)
        self.jobs_of_the_engine = max(self.jobs_of_the_engine, sum(busy))
