"""One run: orders are placed while processes and services are killed, then all is counted."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
from django.db import Error, connection
from django.test import Client
from django.utils import timezone

from accounts.auth import tokens
from accounts.models import Session, User
from accounts.people import signup
from benchmarks.scaled import fault_counts, orders
from benchmarks.scaled.fault_injection import FaultInjector
from benchmarks.scaled.limits import JOBS_OF_ENGINE, JOBS_PER_USER, TASK_READS, WELCOME
from benchmarks.scaled.orders import Customer
from benchmarks.scaled.pgbouncer import OwnPgBouncer
from benchmarks.scaled.processes import Processes
from benchmarks.scaled.sampler import Sampler
from benchmarks.scaled.websocket_clients import Listener
from billing.ledger import credits
from tests.backing import OwnPostgres
from tests.faults.processes import OwnRedis
from tests.faults.users import CSRF, HttpUser
from videos.models import Video

CUSTOMERS, LISTENERS, SAVERS = 40, 10, 20
THREADS = 16
# So many videos wait or render at once, so that orders are placed until the end of the run.
BACKLOG = 100


@dataclass
class Services:
    """What the processes run on, and the processes."""

    folder: Path
    postgres: OwnPostgres
    pgbouncer: OwnPgBouncer
    redis: OwnRedis
    processes: Processes


@dataclass
class Outcome:
    """Counts of faults, which must all be 0, and figures."""

    faults: dict[str, int]
    figures: dict[str, object]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def measure(services: Services, *, number: int, pause: float, seed: int) -> Outcome:
    """Place `number` orders, with a fault each `pause` seconds; wait for all ends."""
    processes, urls = services.processes, services.processes.urls
    customers = [Customer(open_user(n, urls), urls) for n in range(min(CUSTOMERS, number))]
    savers = [_open_saver(n) for n in range(SAVERS)]
    allowed = _allowed_reads(customers[0])
    listeners = [
        Listener(customers[n % len(customers)].user, [*urls[n % 2 :], *urls[: n % 2]])
        for n in range(LISTENERS)
    ]
    sampler = Sampler(services.pgbouncer)
    began = time.monotonic()
    with _injecting_faults(services, pause, seed) as injector:
        answers = orders.place(customers, number, THREADS, lambda: _active(away=0) < BACKLOG)
        placed = time.monotonic() - began
        # Not to the last one, as a process that is killed too often gets nothing done.
        _await(lambda: _active() <= number // 10, 1800)
    _await(lambda: not _active(), 900)
    ended = time.monotonic() - began
    _await(lambda: fault_counts.all_notified(listeners), 60)
    _await(lambda: not fault_counts.wrong_expiries(savers), 180)
    sampler.stop()
    for listener in listeners:
        listener.stop()
    faults = fault_counts.count_faults(customers, listeners, savers, services.folder, WELCOME)
    faults |= {
        "reads_beyond_the_limit": abs(allowed - TASK_READS),
        "jobs_beyond_the_user's_limit": max(sampler.jobs_of_a_user - JOBS_PER_USER, 0),
        "jobs_beyond_the_engine's_limit": max(sampler.jobs_of_the_engine - JOBS_OF_ENGINE, 0),
    }
    states = Video.objects.order_by().values_list("status", flat=True)
    figures: dict[str, object] = {
        "orders": number,
        "seconds until placed": round(placed),
        "seconds until ended": round(ended),
        "answers": {str(code): n for code, n in sorted(answers.items())},
        "states": {state: list(states).count(state) for state in sorted(set(states))},
        "faults injected": dict(injector.done),
        "kill -9 of processes": processes.kills,
        "started again by the supervisor": dict(processes.supervised),
        "sockets connected again": sum(listener.reconnects for listener in listeners),
        "most connections by process": dict(sorted(sampler.connections.items())),
        "most connections to PostgreSQL": sampler.to_server,
        "most jobs of a user": sampler.jobs_of_a_user,
        "most jobs of the engine": sampler.jobs_of_the_engine,
        "reads allowed": allowed,
    }
    return Outcome(faults, figures)


def _active(away: int = sys.maxsize) -> int:
    """Return how many videos have not ended, or `away` while the server is."""
    connection.close_if_unusable_or_obsolete()
    try:
        return Video.objects.filter(status__in=Video.ACTIVE).count()
    except Error:
        return away


def open_user(number: int, urls: list[str]) -> HttpUser:
    """Open an account with its credits, and sign in on a page and by API."""
    user = signup.open_account(f"customer-{number}", "", None)
    browser = Client()
    browser.force_login(user, "accounts.auth.passwords.PasswordBackend")
    token = tokens.sign_in(user, Session.Grant.PASSWORD).access
    http = httpx2.Client(
        base_url=urls[0],
        headers={"Authorization": f"Bearer {token}", "X-CSRFToken": CSRF},
        cookies={"sessionid": browser.cookies["sessionid"].value, "csrftoken": CSRF},
        timeout=30,
        trust_env=False,
    )
    return HttpUser(user, token, http)


def _open_saver(number: int) -> User:
    """Open an account whose second lot of credits expires while processes are killed."""
    user = signup.open_account(f"saver-{number}", "", None)
    soon = timezone.now() + timedelta(seconds=10 + 2 * number)
    credits.grant(user, 7, credits.Kind.BONUS, f"saver:{number}", expires_at=soon)
    return user


def _allowed_reads(customer: Customer) -> int:
    """Return how many of three times the allowed reads were allowed, over all web processes."""
    customer.order(0)
    answers = orders.count_answers(
        customer.user, customer.urls, customer.user.accepted[0], 3 * TASK_READS
    )
    return answers[200]


@contextmanager
def _injecting_faults(services: Services, pause: float, seed: int) -> Iterator[FaultInjector]:
    """Inject faults until the block ends; then every process runs."""
    injector = FaultInjector(
        services.processes, services.pgbouncer, services.postgres, services.redis,
        pause=pause, seed=seed,
    )  # fmt: skip
    injector.start()
    try:
        yield injector
    finally:
        injector.stop()
    services.processes.await_webs()


def _await(done: Callable[[], bool], seconds: float) -> None:
    """Wait until a condition holds, but no longer; what is missing then is counted."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.5)
