"""`python -m benchmarks.ledger`: spends per second, and calls on an account with a long history.

On SQLite and on PostgreSQL: DATABASE_URL, or an own server that writes to disk. Two processes of
many threads spend from one account and from many. In turn with it they take credits from the bare
row of the account, which is the least that a spend must do: the floor of the same moment.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from uuid import uuid4

from benchmarks.figures import Figure, Goal, load, save, table
from benchmarks.process_usage import TICKS, stat_fields
from tests import environment

os.environ["LOG_LEVEL"] = "CRITICAL"

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import User  # noqa: E402
from billing.ledger import credits  # noqa: E402
from billing.models import Account, Allocation, Entry, Lot  # noqa: E402
from tests import backing  # noqa: E402

assert environment

PROCESSES = 2
# SQLite has one writer; more threads only wait for it.
THREADS = {"postgresql": 25, "sqlite": 4}
# What is measured: the floor, and then spends.
WRITES = ("update", "spend")
INITIAL_CREDITS = 10_000_000


@dataclass(frozen=True)
class Rate:
    """Writes per second, and the CPU milliseconds of one: of the clients, and of PostgreSQL."""

    per_second: float
    client_ms: float
    server_ms: float


@dataclass(frozen=True)
class Task:
    """What the threads of each process do (benchmarks.spenders)."""

    write: str
    users: list[str]
    threads: int
    seconds: float


def measure(*, quick: bool) -> list[Figure]:
    """Measure on SQLite, then on PostgreSQL; each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "figures.json"
        again = [sys.executable, "-m", "benchmarks.ledger", str(results), *["--quick"] * quick]
        file = f"sqlite:///{Path(folder) / 'ledger.sqlite3'}"
        subprocess.run(again, env={**os.environ, "DATABASE_URL": file}, check=True)
        found = load(results)
        with backing.postgres(durable=True) as url:
            size = str(THREADS["postgresql"] + 1)
            configured = {**os.environ, "DATABASE_URL": url, "DATABASE_POOL_SIZE": size}
            subprocess.run(again, env=configured, check=True)
        return found + load(results)


def measure_here(*, quick: bool) -> list[Figure]:
    """Measure on the configured database."""
    call_command("migrate", verbosity=0)
    found = _measure_rates(100 if quick else 1000, *((1, 2.0) if quick else (5, 4.0)))
    _print_growth(10_000 if quick else 100_000)
    return found


def _measure_rates(many: int, rounds: int, seconds: float) -> list[Figure]:
    """Print the median of the rounds, in each of which the floor is measured just before."""
    figures = []
    threads = THREADS[connection.vendor]
    print(f"\n{connection.vendor}, {PROCESSES} processes of {threads} threads each\n")
    print(
        "| accounts | bare UPDATE/s | spends/s | ratio "
        "| CPU ms of an UPDATE: client, server | CPU ms of a spend: client, server |"
    )
    print("|---|---|---|---|---|---|")
    postmaster = _postmaster()
    for count in (1, many):
        users = {write: [str(user.pk) for user in _create_users(count)] for write in WRITES}
        connection.close()
        found: dict[str, list[Rate]] = {write: [] for write in WRITES}
        with _processes() as processes:
            for _ in range(rounds):
                for write in WRITES:
                    task = Task(write, users[write], threads, seconds)
                    found[write].append(_measure(processes, task, postmaster))
        updates, spends = found["update"], found["spend"]
        pairs = zip(updates, spends, strict=True)
        ratio = median(spend.per_second / update.per_second for update, spend in pairs)
        rates = " | ".join(
            f"{median(rate.per_second for rate in each):,.0f}" for each in (updates, spends)
        )
        costs = " | ".join(
            f"{median(rate.client_ms for rate in each):.2f}, {_server_ms(each)}"
            for each in (updates, spends)
        )
        print(f"| {count:,} | {rates} | {ratio:.2f} | {costs} |", flush=True)
        figures.append(_figure(count, ratio, median(spend.per_second for spend in spends)))
    return figures


def _figure(count: int, ratio: float, per_second: float) -> Figure:
    """Return the rate; its floor is such that their ratio is the median of the rounds' ratios."""
    database = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[connection.vendor]
    accounts = "one account" if count == 1 else "many accounts"
    goal = Goal(at_least=True)
    if connection.vendor == "postgresql":
        goal = Goal(value=250 if count == 1 else 600, ratio=0.4, at_least=True)
    name = f"{database}: spends of {accounts}"
    return Figure(name, per_second, "/s", goal, per_second / ratio, "bare UPDATE")


def _server_ms(rates: list[Rate]) -> str:
    """Return the CPU milliseconds of the server; SQLite has none, another machine's is unknown."""
    found = median(rate.server_ms for rate in rates)
    return f"{found:.2f}" if found else "–"


@contextmanager
def _processes() -> Iterator[list["subprocess.Popen[str]"]]:
    command = [sys.executable, "-m", "benchmarks.spenders"]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    yield processes
    for process in processes:
        process.communicate()


def _measure(processes: list["subprocess.Popen[str]"], task: Task, postmaster: str) -> Rate:
    """Let all processes write at the same time."""
    before = _server_cpu(postmaster)
    for process in processes:
        assert process.stdin
        process.stdin.write(json.dumps(asdict(task)) + "\n")
        process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for process in processes if process.stdout]
    server = _server_cpu(postmaster) - before
    done = sum(answer["done"] for answer in answers)
    return Rate(
        done / task.seconds,
        sum(answer["cpu"] for answer in answers) / done * 1000,
        server / done * 1000,
    )


def _server_cpu(postmaster: str) -> float:
    """Return the CPU seconds of PostgreSQL's processes so far; 0 without a postmaster."""
    if not postmaster:
        return 0
    ticks = sum(map(int, stat_fields(postmaster)[11:15]))  # with its children that have ended
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # the process has ended
            fields = stat_fields(folder.name)
            if fields[1] == postmaster:
                ticks += sum(map(int, fields[11:13]))
    return ticks / TICKS


def _postmaster() -> str:
    """Return the process id of the PostgreSQL server; empty when it runs on another machine."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    try:
        is_here = "postgres" in Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""
    return stat_fields(str(pid))[1] if is_here else ""


def _print_growth(entries: int) -> None:
    print(f"\nAn account with {entries:,} entries compared with a new account\n")
    print(f"| call | new account, ms | {entries:,} entries, ms | ratio |")
    print("|---|---|---|---|")
    new, long = _create_users(2)
    _add_entries(long, entries)
    for name, call in CALLS.items():
        new_ms, long_ms = _medians_ms(new, long, call)
        print(f"| {name} | {new_ms:.2f} | {long_ms:.2f} | {long_ms / new_ms:.2f} |", flush=True)


def _spend(user: User) -> None:
    credits.spend(user, 1, f"bench:{uuid4()}")


CALLS: dict[str, Callable[[User], object]] = {
    "spend": _spend,
    "balance": credits.summary,
    "first page of the history": lambda user: list(credits.history(user)[:20]),
    "number of entries": credits.number_of_entries,
}


def _create_users(count: int) -> list[User]:
    with transaction.atomic():
        users = [
            User.objects.create(username=f"bench-{uuid4()}", email=f"{uuid4()}@example.com")
            for _ in range(count)
        ]
        for user in users:
            key = f"bench:{user.pk}"
            credits.grant(user, INITIAL_CREDITS, credits.Kind.BONUS, key, expires_at=None)
    return users


def _add_entries(user: User, entries: int) -> None:
    """Write the entries that this many spends of one credit would have written."""
    account = Account.objects.get(pk=user.pk)
    lot = Lot.objects.get(account=account)
    now, before = timezone.now(), account.balance
    made = [
        Entry(
            account=account, sequence=account.last_sequence + n, type=Entry.Type.SPENT, amount=-1,
            balance_before=before - n + 1, balance_after=before - n, key=f"bench:{uuid4()}",
            created_at=now,
        )
        for n in range(1, entries + 1)
    ]  # fmt: skip
    with transaction.atomic():
        Entry.objects.bulk_create(made, batch_size=5000)
        parts = (Allocation(entry=entry, lot=lot, amount=-1) for entry in made)
        Allocation.objects.bulk_create(parts, batch_size=5000)
        Lot.objects.filter(pk=lot.pk).update(remaining=before - entries)
        account.balance, account.last_sequence = before - entries, account.last_sequence + entries
        account.total_spent += entries
        account.save()


def _medians_ms(new: User, long: User, call: Callable[[User], object]) -> tuple[float, float]:
    """The median of both users, called alternately, so that other load affects both equally."""
    times: dict[User, list[float]] = {new: [], long: []}
    for _ in range(200):
        for user in (new, long):
            began = time.perf_counter()
            call(user)
            times[user].append((time.perf_counter() - began) * 1000)
    return median(times[new]), median(times[long])


def main() -> None:
    """Print the tables; into a file that is named, save the figures of the configured database."""
    quick = "--quick" in sys.argv
    files = [word for word in sys.argv[1:] if word != "--quick"]
    if files:
        save(measure_here(quick=quick), Path(files[0]))
    else:
        print(table(measure(quick=quick)))


if __name__ == "__main__":
    main()
