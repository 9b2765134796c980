"""Concurrent operations on the ledger, each with its own database connection."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, expiry, invariants
from billing.models import Account, Entry
from tests.billing.conftest import (
    DAY,
    START,
    create_user_without_credits,
    entries_of,
    grant_credits,
    open_lots_of,
)
from tests.concurrency import run_concurrently

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def erin(transactional_db: None) -> User:
    """A user whom other database connections can see."""
    return create_user_without_credits("erin")


def count_types(results: list[Any]) -> dict[str, int]:
    names = [type(result).__name__ for result in results]
    return {name: names.count(name) for name in set(names)}


def test_spends_take_no_more_than_the_balance_when_concurrent(erin: User) -> None:
    grant_credits(erin, 100)
    results = run_concurrently([partial(credits.spend, erin, 20, f"spend:{n}") for n in range(50)])
    assert count_types(results) == {"Entry": 5, "NotEnoughCredits": 45}
    assert entries_of(erin) == [("bonus", 100), *[("spent", -20)] * 5]
    assert credits.available(erin) == 0
    assert invariants.problems() == []


def test_spend_is_posted_once_when_concurrent_calls_share_a_key(erin: User) -> None:
    grant_credits(erin, 100)
    results = run_concurrently([partial(credits.spend, erin, 20, "spend")] * 20)
    assert results == [Entry.objects.get(key="spend")] * 20
    assert entries_of(erin) == [("bonus", 100), ("spent", -20)]


def test_spend_is_posted_once_when_transactions_share_a_key(erin: User) -> None:
    grant_credits(erin, 100)

    @transaction.atomic
    def order() -> Entry:
        entry = credits.spend(erin, 20, "spend")
        credits.expire(erin)  # the transaction still works
        return entry

    assert run_concurrently([order] * 20) == [Entry.objects.get(key="spend")] * 20
    assert entries_of(erin) == [("bonus", 100), ("spent", -20)]


def test_transactions_end_when_each_locks_the_account_before_it_spends(erin: User) -> None:
    grant_credits(erin, 100)

    @transaction.atomic
    def order(n: int) -> Entry:
        if n % 2:
            credits.lock(erin)
        entry = credits.spend(erin, 3, f"spend:{n}")
        grant_credits(erin, 1)
        return entry

    results = run_concurrently([partial(order, n) for n in range(20)])
    assert count_types(results) == {"Entry": 20}
    assert credits.available(erin) == 60
    assert invariants.problems() == []


def test_spend_takes_the_lot_that_was_granted_while_it_waited(erin: User) -> None:
    grant_credits(erin, 50)
    is_locked = Event()

    @transaction.atomic
    def grant() -> Entry:
        credits.lock(erin)
        is_locked.set()
        time.sleep(0.3)
        return grant_credits(erin, 50, until=timezone.now() + DAY)

    def spend() -> Entry:
        assert is_locked.wait(10)
        return credits.spend(erin, 20, "spend")

    assert count_types(run_concurrently([grant, spend])) == {"Entry": 2}
    assert entries_of(erin) == [("bonus", 50), ("bonus", 50), ("spent", -20)]
    assert [left for left, _expiry in open_lots_of(erin)] == [30, 50]


def test_grants_open_one_account_when_concurrent(erin: User) -> None:
    results = run_concurrently([partial(grant_credits, erin, 5)] * 10)
    assert count_types(results) == {"Entry": 10}
    assert list(Account.objects.values_list("balance", "last_sequence")) == [(50, 10)]
    assert invariants.problems() == []


def test_grant_is_posted_once_when_concurrent_calls_share_a_key(erin: User) -> None:
    grant = partial(credits.grant, erin, 100, credits.Kind.BONUS, "signup", expires_at=None)
    results = run_concurrently([grant] * 20)
    assert results == [Entry.objects.get(key="signup")] * 20
    assert entries_of(erin) == [("bonus", 100)]


def test_refund_is_posted_once_when_concurrent_calls_share_a_key(erin: User) -> None:
    grant_credits(erin, 100)
    credits.spend(erin, 20, "spend")
    results = run_concurrently([partial(credits.refund, "spend", "back", grace=True)] * 20)
    assert results == [Entry.objects.get(key="back")] * 20
    assert entries_of(erin)[1:] == [("spent", -20), ("refunded", 20)]
    assert invariants.problems() == []


def test_refund_is_posted_once_when_concurrent_calls_have_many_keys(erin: User) -> None:
    grant_credits(erin, 100)
    credits.spend(erin, 20, "spend")
    calls = [partial(credits.refund, "spend", f"back:{n}", grace=True) for n in range(20)]
    assert count_types(run_concurrently(calls)) == {"Entry": 1, "OverRefund": 19}
    assert entries_of(erin)[1:] == [("spent", -20), ("refunded", 20)]


def test_expiry_is_posted_once_when_concurrent(erin: User) -> None:
    with time_machine.travel(START, tick=False) as clock:
        grant_credits(erin, 30, until=START + DAY)
        clock.shift(DAY)
        assert sorted(run_concurrently([expiry.expire_due] * 8)) == [*[0] * 7, 30]
    assert entries_of(erin) == [("bonus", 30), ("expired", -30)]


def test_summary_is_consistent_when_another_connection_spends_meanwhile(erin: User) -> None:
    grant_credits(erin, 100)
    before = credits.summary(erin)
    others = iter([partial(credits.spend, erin, 20, "spend")])

    def meddle(execute: Callable[..., Any], *words: Any) -> Any:
        """Spend on another connection right after the first statement."""
        result = execute(*words)
        if call := next(others, None):
            run_concurrently([call])
        return result

    with connection.execute_wrapper(meddle):
        assert credits.summary(erin) == before
    assert credits.summary(erin).total_spent == 20


def test_ledger_stays_consistent_when_all_operations_are_concurrent(transactional_db: None) -> None:
    users = [create_user_without_credits(f"user-{n}") for n in range(5)]
    for user in users:
        grant_credits(user, 50)
    until = time.monotonic() + 3
    refusals = (credits.NotEnoughCredits, credits.OverRefund, Entry.DoesNotExist)

    def live(seed: int) -> int:
        """Run random operations; threads share keys, so that most are repeated."""
        chance = random.Random(seed)
        turns = 0
        while time.monotonic() < until:
            user = chance.choice(users)
            spend = f"{user.username}:spend:{chance.randrange(60)}"
            life = chance.choice([None, 0.05, 0.5, 5])
            end = life if life is None else timezone.now() + timedelta(seconds=life)
            acts: list[Callable[[], object]] = [
                partial(grant_credits, user, 7, until=end),
                partial(credits.spend, user, 5, spend),
                partial(credits.spend, user, 5, spend),
                partial(credits.refund, spend, f"{spend}:back", grace=chance.random() < 0.5),
                partial(credits.refund, spend, f"{spend}:{turns}", grace=True, amount=2),
                partial(credits.expire, user),
                expiry.expire_due,
            ]
            with suppress(*refusals):
                chance.choice(acts)()
            turns += 1
        return turns

    def watch(_: int) -> int:
        """Check the invariants and the summaries while the operations run."""
        while time.monotonic() < until:
            assert invariants.problems() == []
            for user in users:
                now = credits.summary(user)
                spent = now.total_spent + now.total_expired + now.total_clawed_back
                assert now.available == now.total_earned - spent
        return 1

    workers = [partial(live, seed) for seed in range(8)]
    results = run_concurrently([*workers, partial(watch, 0)])
    assert [type(result) for result in results] == [int] * 9, results
    assert invariants.problems() == []
    assert Entry.objects.count() > 20
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        expiry.expire_due()
        assert expiry.expire_due() == 0
        assert invariants.problems() == []
