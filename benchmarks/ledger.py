"""Measure spends per second, and calls on an account with a long history."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count as counter
from statistics import median
from uuid import uuid4

from django.db import connections, transaction
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits
from billing.models import Account, Allocation, Entry, Lot

THREADS = 8
INITIAL_CREDITS = 10_000_000
_numbers = counter()


def run(users: int, seconds: float, entries: int) -> None:
    """Print spends per second, then an account with many entries compared with a new one."""
    print("| accounts | threads | spends/s |")
    print("|---|---|---|")
    for count in (1, users):
        rate = _spends_per_second(_create_users(count), seconds)
        print(f"| {count:,} | {THREADS} | {rate:.0f} |", flush=True)
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
    "number of entries": lambda user: credits.history(user).count(),
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


def _spends_per_second(users: list[User], seconds: float) -> float:
    until = time.monotonic() + seconds

    def work(_: int) -> int:
        done = 0
        while time.monotonic() < until:
            _spend(users[next(_numbers) % len(users)])
            done += 1
        connections.close_all()
        return done

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(work, range(THREADS))) / seconds


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
