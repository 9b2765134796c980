"""Kill and restart processes and services in turn while orders are made."""

import random
import threading
from collections import Counter
from collections.abc import Callable

from benchmarks.scaled import orders
from benchmarks.scaled.pgbouncer import OwnPgBouncer
from benchmarks.scaled.processes import ROLES, WEBS, Processes
from tests.backing import OwnPostgres
from tests.faults.processes import OwnRedis

# For so long a service stays away.
AWAY_SECONDS = 2.0


class FaultInjector:
    """A thread that does one of its acts, `pause` seconds after the web processes answer again.

    Each act is done as often as its weight says.
    """

    def __init__(
        self,
        processes: Processes,
        pgbouncer: OwnPgBouncer,
        postgres: OwnPostgres,
        redis: OwnRedis,
        *,
        pause: float,
        seed: int,
    ) -> None:
        self._processes, self._pause, self._chance = processes, pause, random.Random(seed)
        self._acts: dict[str, tuple[int, Callable[[], None]]] = {
            "killed process": (10, lambda: processes.kill(self._chance.choice(ROLES))),
            "web stopped and started": (2, lambda: processes.restart(self._chance.choice(WEBS))),
            "pgbouncer killed": (3, lambda: self._away(pgbouncer.kill, pgbouncer.start)),
            "redis killed": (1, lambda: self._away(redis.kill, redis.start)),
            "postgresql killed": (2, lambda: self._away(postgres.kill, postgres.start)),
            "engine killed": (1, lambda: processes.kill("engine")),
        }
        self.done: Counter[str] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.error: Exception | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Return when the last act has ended. Raises what went wrong in one."""
        self._stop.set()
        self._thread.join()
        if self.error:
            raise self.error

    def _run(self) -> None:
        # Each act once, in any order, then at random.
        first = list(self._acts)
        self._chance.shuffle(first)
        while not self._stop.wait(self._pause):
            weights = [weight for weight, _act in self._acts.values()]
            name = first.pop() if first else self._chance.choices(list(self._acts), weights)[0]
            try:
                self._acts[name][1]()
                self._processes.await_webs()
            except Exception as error:
                self.error = error
                orders.give_up.set()
                return
            self.done[name] += 1

    def _away(self, kill: Callable[[], None], start: Callable[[], None]) -> None:
        kill()
        try:
            self._stop.wait(AWAY_SECONDS)
        finally:
            start()
