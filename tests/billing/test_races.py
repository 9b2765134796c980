"""Many at once, each with a connection of its own, on either database."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, expiry, invariants
from billing.models import Account, Entry
from tests.billing.conftest import DAY, T, give, lines, newcomer, outcomes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def erin(transactional_db: None) -> User:
    """Somebody whom other connections can see."""
    return newcomer("erin")


def kinds(results: list[Any]) -> dict[str, int]:
    names = [type(result).__name__ for result in results]
    return {name: names.count(name) for name in set(names)}


def test_spends_at_once_take_no_more_than_there_is(erin: User) -> None:
    give(erin, 100)
    results = outcomes([partial(credits.spend, erin, 20, f"spend:{n}") for n in range(50)])
    assert kinds(results) == {"Entry": 5, "NotEnoughCredits": 45}
    assert lines(erin) == [("bonus", 100), *[("spent", -20)] * 5]
    assert credits.available(erin) == 0
    assert invariants.problems() == []


def test_spends_at_once_with_one_key_are_one(erin: User) -> None:
    give(erin, 100)
    results = outcomes([partial(credits.spend, erin, 20, "spend")] * 20)
    assert results == [Entry.objects.get(key="spend")] * 20
    assert lines(erin) == [("bonus", 100), ("spent", -20)]


def test_first_grants_at_once_open_one_account(erin: User) -> None:
    results = outcomes([partial(give, erin, 5)] * 10)
    assert kinds(results) == {"Entry": 10}
    assert list(Account.objects.values_list("balance", "last_sequence")) == [(50, 10)]
    assert invariants.problems() == []


def test_first_grants_at_once_with_one_key_are_one(erin: User) -> None:
    grant = partial(credits.grant, erin, 100, credits.Kind.BONUS, "signup", expires_at=None)
    results = outcomes([grant] * 20)
    assert results == [Entry.objects.get(key="signup")] * 20
    assert lines(erin) == [("bonus", 100)]


def test_refunds_at_once_with_one_key_are_one(erin: User) -> None:
    give(erin, 100)
    credits.spend(erin, 20, "spend")
    results = outcomes([partial(credits.refund, "spend", "back", grace=True)] * 20)
    assert results == [Entry.objects.get(key="back")] * 20
    assert lines(erin)[1:] == [("spent", -20), ("refunded", 20)]
    assert invariants.problems() == []


def test_refunds_at_once_with_many_keys_are_one(erin: User) -> None:
    give(erin, 100)
    credits.spend(erin, 20, "spend")
    calls = [partial(credits.refund, "spend", f"back:{n}", grace=True) for n in range(20)]
    assert kinds(outcomes(calls)) == {"Entry": 1, "OverRefund": 19}
    assert lines(erin)[1:] == [("spent", -20), ("refunded", 20)]


def test_sweeps_at_once_book_an_expiry_once(erin: User) -> None:
    with time_machine.travel(T, tick=False) as clock:
        give(erin, 30, until=T + DAY)
        clock.shift(DAY)
        assert sorted(outcomes([expiry.expire_due] * 8)) == [*[0] * 7, 30]
    assert lines(erin) == [("bonus", 30), ("expired", -30)]


def test_summary_is_of_one_moment(erin: User) -> None:
    give(erin, 100)
    before = credits.summary(erin)
    others = iter([partial(credits.spend, erin, 20, "spend")])

    def meddle(execute: Callable[..., Any], *words: Any) -> Any:
        """Right after the first statement somebody else spends."""
        result = execute(*words)
        if call := next(others, None):
            outcomes([call])
        return result

    with connection.execute_wrapper(meddle):
        assert credits.summary(erin) == before
    assert credits.summary(erin).total_spent == 20


def test_everything_at_once_leaves_the_books_right(transactional_db: None) -> None:
    users = [newcomer(f"user-{n}") for n in range(5)]
    for user in users:
        give(user, 50)
    until = time.monotonic() + 3
    refusals = (credits.NotEnoughCredits, credits.OverRefund, Entry.DoesNotExist)

    def live(seed: int) -> int:
        """Keys are shared between threads, so that most events happen several times."""
        chance = random.Random(seed)
        turns = 0
        while time.monotonic() < until:
            user = chance.choice(users)
            spend = f"{user.username}:spend:{chance.randrange(60)}"
            life = chance.choice([None, 0.05, 0.5, 5])
            end = life if life is None else timezone.now() + timedelta(seconds=life)
            acts: list[Callable[[], object]] = [
                partial(give, user, 7, until=end),
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
        """The auditor and the summary, while all of that goes on."""
        while time.monotonic() < until:
            assert invariants.problems() == []
            for user in users:
                now = credits.summary(user)
                spent = now.total_spent + now.total_expired + now.total_clawed_back
                assert now.available == now.total_earned - spent
        return 1

    workers = [partial(live, seed) for seed in range(8)]
    results = outcomes([*workers, partial(watch, 0)])
    assert [type(result) for result in results] == [int] * 9, results
    assert invariants.problems() == []
    assert Entry.objects.count() > 20
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        expiry.expire_due()
        assert expiry.expire_due() == 0
        assert invariants.problems() == []
