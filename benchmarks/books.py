"""What a spend costs: one busy account, a thousand, and one with a very long history."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from statistics import median
from uuid import uuid4

from django.db import connections, transaction
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits
from billing.models import Account, Allocation, Entry, Lot

WORKERS = 8
PLENTY = 10_000_000
_numbers = count()


def run(users: int, seconds: float, entries: int) -> None:
    """Print spends per second, then a long history against a new one."""
    print("| accounts | workers | spends/s |")
    print("|---|---|---|")
    for how_many in (1, users):
        people = _people(how_many)
        print(f"| {how_many:,} | {WORKERS} | {_rate(people, seconds):.0f} |", flush=True)
    print(f"\nAn account with {entries:,} entries against a new one\n")
    print("| | new, ms | long, ms | ratio |")
    print("|---|---|---|---|")
    new, long = _people(1)[0], _people(1)[0]
    _lengthen(long, entries)
    for name, call in READS.items():
        short_ms, long_ms = _milliseconds(new, long, call)
        print(f"| {name} | {short_ms:.2f} | {long_ms:.2f} | {long_ms / short_ms:.2f} |", flush=True)


def _spend(user: User) -> None:
    credits.spend(user, 1, f"bench:{uuid4()}")


READS: dict[str, Callable[[User], object]] = {
    "spend": _spend,
    "balance": credits.summary,
    "history, first page": lambda user: list(credits.history(user)[:20]),
    "history, how many": lambda user: credits.history(user).count(),
}


def _people(how_many: int) -> list[User]:
    with transaction.atomic():
        people = [
            User.objects.create(username=f"bench-{uuid4()}", email=f"{uuid4()}@example.com")
            for _ in range(how_many)
        ]
        for user in people:
            key = f"bench:{user.pk}"
            credits.grant(user, PLENTY, credits.Kind.BONUS, key, expires_at=None)
    return people


def _rate(people: list[User], seconds: float) -> float:
    until = time.monotonic() + seconds

    def work(_: int) -> int:
        done = 0
        while time.monotonic() < until:
            _spend(people[next(_numbers) % len(people)])
            done += 1
        connections.close_all()
        return done

    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(work, range(WORKERS))) / seconds


def _lengthen(user: User, entries: int) -> None:
    """A history as `entries` spends of one credit would have left it."""
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


def _milliseconds(new: User, long: User, call: Callable[[User], object]) -> tuple[float, float]:
    """The median of each, taken in turns, so that a busy machine is busy for both."""
    times: dict[User, list[float]] = {new: [], long: []}
    for _ in range(200):
        for user in (new, long):
            began = time.perf_counter()
            call(user)
            times[user].append((time.perf_counter() - began) * 1000)
    return median(times[new]), median(times[long])
