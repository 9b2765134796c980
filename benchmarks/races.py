"""`python -m benchmarks.races [rounds]`: fifty at once, round after round, on both databases.

Each round lets fifty threads, each with a connection of its own, do the same thing to one account
at the same moment, and then checks the ledger: what may happen once must have happened once.
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

AT_ONCE = 50
Race = tuple[Callable[[int], object], Callable[[list[Any]], bool]]


def spend(user: User) -> Race:
    """100 credits, fifty spends of 20: five of them are taken."""
    given(user, 100)

    def held(results: list[Any]) -> bool:
        refused = sum(isinstance(one, credits.NotEnoughCredits) for one in results)
        return refused == AT_ONCE - 5 and standing(user) == (0, {"bonus": 1, "spent": 5})

    return lambda n: credits.spend(user, 20, f"{user.pk}:{n}"), held


def repeated_spend(user: User) -> Race:
    """Fifty spends under one key are one."""
    given(user, 100)

    def held(results: list[Any]) -> bool:
        return len(set(results)) == 1 and standing(user) == (80, {"bonus": 1, "spent": 1})

    return lambda n: credits.spend(user, 20, f"{user.pk}:spend"), held


def refund(user: User) -> Race:
    """Fifty failures of one video give its credits back once."""
    given(user, 100)
    key = credits.spend(user, 20, f"{user.pk}:spend").key

    def held(results: list[Any]) -> bool:
        once = (100, {"bonus": 1, "spent": 1, "refunded": 1})
        return len(set(results)) == 1 and standing(user) == once

    return lambda n: credits.refund(key, f"{user.pk}:refund", grace=True), held


def expire(user: User) -> Race:
    """Fifty sweeps of an account whose lot has died book it once."""
    given(user, 100)
    past = timezone.now() - timedelta(seconds=1)
    Lot.objects.filter(account_id=user.pk).update(expires_at=past)
    Account.objects.filter(pk=user.pk).update(next_expiry_at=past)

    def held(results: list[Any]) -> bool:
        return sum(results) == 100 and standing(user) == (0, {"bonus": 1, "expired": 1})

    return lambda n: credits.expire(user), held


def webhook(user: User) -> Race:
    """One event of Stripe's, delivered fifty times, grants once."""
    payment = payment_events.create_payment(user, session_id=f"cs_{uuid4()}")
    event = {**payment_events.checkout_completed(payment), "id": f"evt_{uuid4()}"}
    known = {name: event[name] for name in ("id", "type", "created", "livemode", "data")}
    known["api_version"] = event["api_version"]

    def held(results: list[Any]) -> bool:
        alone = all(not isinstance(one, Exception) for one in results)
        return alone and standing(user) == (100, {"purchased": 1})

    return lambda n: stripe_events.receive(dict(known)), held


RACES = (spend, repeated_spend, refund, expire, webhook)


def given(user: User, amount: int) -> None:
    credits.grant(user, amount, credits.Kind.BONUS, f"{user.pk}:grant", expires_at=None)


def standing(user: User) -> tuple[int, dict[str, int]]:
    """Return the balance (-1 if an invariant is broken) and the number of entries of each type."""
    types = list(credits.history(user).values_list("type", flat=True))
    right = invariants.problems_of(user.pk) == []
    return credits.available(user) if right else -1, {type: types.count(type) for type in types}


def rounds(race: Callable[[User], Race], count: int) -> Iterator[tuple[bool, float]]:
    """Run a race `count` times; whether it held, and the seconds it took."""
    start = Barrier(AT_ONCE)

    def run(call: Callable[[], object]) -> object:
        start.wait(60)
        try:
            return call()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(count):
            user = User.objects.create(username=f"racer-{uuid4()}", email=f"{uuid4()}@example.com")
            call, held = race(user)
            began = time.perf_counter()
            results = list(pool.map(run, [partial(call, n) for n in range(AT_ONCE)]))
            yield held(results), time.perf_counter() - began


def here(count: int) -> int:
    """All races on the configured database; the number of violations."""
    call_command("migrate", verbosity=0)
    violations = 0
    for race in RACES:
        found = list(rounds(race, count))
        broken = sum(not held for held, _ in found)
        took = median(seconds for _, seconds in found) * 1000
        print(
            f"| {connection.vendor} | {race.__name__.replace('_', ' ')} | {count} "
            f"| {broken} | {took:.0f} |",
            flush=True,
        )
        violations += broken
    return violations


def main() -> int:
    words = [word for word in sys.argv[1:] if word.isdecimal()]
    count = int(words[0]) if words else 100
    if "--here" in sys.argv:
        return min(here(count), 1)
    print(f"{AT_ONCE} at once, every thread with a connection of its own\n")
    print("| database | race | rounds | violations | median ms a round |")
    print("|---|---|---|---|---|", flush=True)
    again = [sys.executable, "-m", "benchmarks.races", str(count), "--here"]
    codes = [subprocess.run(again, env={**os.environ, "DATABASE_URL": ""}, check=False).returncode]
    with backing.postgres() as url:
        configured = {**os.environ, "DATABASE_URL": url}
        codes.append(subprocess.run(again, env=configured, check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
