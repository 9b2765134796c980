"""`python -m benchmarks.races [rounds]`: race 50 threads on one account, on both databases.

In each round 50 threads with one connection each do the same thing to one account at the same
moment; then the ledger is checked: what may happen once must have happened exactly once.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from statistics import median
from threading import Barrier
from typing import Any
from uuid import uuid4

from tests import environment

os.environ["LOG_LEVEL"] = "CRITICAL"

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import User  # noqa: E402
from billing.ledger import credits, invariants  # noqa: E402
from billing.models import Account, Lot  # noqa: E402
from billing.payments import stripe_events  # noqa: E402
from tests import backing  # noqa: E402
from tests.billing import payment_events  # noqa: E402

assert environment

THREADS = 50
Race = tuple[Callable[[int], object], Callable[[list[Any]], bool]]


def spend(user: User) -> Race:
    """50 spends of 20 credits with a balance of 100: exactly five succeed."""
    _grant(user, 100)

    def is_correct(results: list[Any]) -> bool:
        refused = sum(isinstance(result, credits.NotEnoughCredits) for result in results)
        return refused == THREADS - 5 and _state_of(user) == (0, {"bonus": 1, "spent": 5})

    return lambda n: credits.spend(user, 20, f"{user.pk}:{n}"), is_correct


def repeated_spend(user: User) -> Race:
    """50 spends with one key: the credits are spent once."""
    _grant(user, 100)

    def is_correct(results: list[Any]) -> bool:
        return len(set(results)) == 1 and _state_of(user) == (80, {"bonus": 1, "spent": 1})

    return lambda n: credits.spend(user, 20, f"{user.pk}:spend"), is_correct


def refund(user: User) -> Race:
    """50 refunds of one spend: its credits are returned once."""
    _grant(user, 100)
    key = credits.spend(user, 20, f"{user.pk}:spend").key

    def is_correct(results: list[Any]) -> bool:
        once = (100, {"bonus": 1, "spent": 1, "refunded": 1})
        return len(set(results)) == 1 and _state_of(user) == once

    return lambda n: credits.refund(key, f"{user.pk}:refund", grace=True), is_correct


def expire(user: User) -> Race:
    """50 sweeps of an account with an expired lot: one entry is written."""
    _grant(user, 100)
    past = timezone.now() - timedelta(seconds=1)
    Lot.objects.filter(account_id=user.pk).update(expires_at=past)
    Account.objects.filter(pk=user.pk).update(next_expiry_at=past)

    def is_correct(results: list[Any]) -> bool:
        return sum(results) == 100 and _state_of(user) == (0, {"bonus": 1, "expired": 1})

    return lambda n: credits.expire(user), is_correct


def webhook(user: User) -> Race:
    """One Stripe event delivered 50 times: its credits are granted once."""
    payment = payment_events.create_payment(user, session_id=f"cs_{uuid4()}")
    event = {**payment_events.checkout_completed(payment), "id": f"evt_{uuid4()}"}
    known = {name: event[name] for name in ("id", "type", "created", "livemode", "data")}
    known["api_version"] = event["api_version"]

    def is_correct(results: list[Any]) -> bool:
        succeeded = all(not isinstance(result, Exception) for result in results)
        return succeeded and _state_of(user) == (100, {"purchased": 1})

    return lambda n: stripe_events.receive(dict(known)), is_correct


NAMES: dict[str, Callable[[User], Race]] = {
    "50 spends, credits for 5": spend,
    "one spend, repeated 50 times": repeated_spend,
    "one refund, repeated 50 times": refund,
    "one expired lot, swept 50 times": expire,
    "one webhook, delivered 50 times": webhook,
}
RACES = tuple(NAMES.values())


def _grant(user: User, amount: int) -> None:
    credits.grant(user, amount, credits.Kind.BONUS, f"{user.pk}:grant", expires_at=None)


def _state_of(user: User) -> tuple[int, dict[str, int]]:
    """Return the balance (-1 if an invariant is broken) and the number of entries of each type."""
    types = list(credits.history(user).values_list("type", flat=True))
    is_valid = invariants.problems_of(user.pk) == []
    return credits.available(user) if is_valid else -1, {type: types.count(type) for type in types}


def rounds(race: Callable[[User], Race], count: int) -> Iterator[tuple[bool, float]]:
    """Run a race `count` times; yield whether the result was correct, and the seconds it took."""
    start = Barrier(THREADS)

    def run(call: Callable[[], object]) -> object:
        start.wait(60)
        try:
            return call()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(count):
            user = User.objects.create(username=f"racer-{uuid4()}", email=f"{uuid4()}@example.com")
            call, is_correct = race(user)
            started = time.perf_counter()
            results = list(pool.map(run, [partial(call, n) for n in range(THREADS)]))
            yield is_correct(results), time.perf_counter() - started


def run_races(count: int) -> int:
    """Run all races on the configured database; return the number of violations."""
    call_command("migrate", verbosity=0)
    violations = 0
    for name, race in NAMES.items():
        found = list(rounds(race, count))
        broken = sum(not correct for correct, _ in found)
        took = median(seconds for _, seconds in found) * 1000
        print(
            f"| {connection.vendor} | {name} | {count} | {broken} | {took:.0f} |",
            flush=True,
        )
        violations += broken
    return violations


def main() -> int:
    words = [word for word in sys.argv[1:] if word.isdecimal()]
    count = int(words[0]) if words else 100
    if "--here" in sys.argv:
        return min(run_races(count), 1)
    print(f"{THREADS} threads with one connection each\n")
    print("| database | race | rounds | violations | median ms per round |")
    print("|---|---|---|---|---|", flush=True)
    again = [sys.executable, "-m", "benchmarks.races", str(count), "--here"]
    codes = [subprocess.run(again, env={**os.environ, "DATABASE_URL": ""}, check=False).returncode]
    with backing.postgres() as url:
        configured = {**os.environ, "DATABASE_URL": url}
        codes.append(subprocess.run(again, env=configured, check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
