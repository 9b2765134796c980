"""The expiry of credits on all accounts."""

import pytest
import time_machine
from django.db import connection, transaction
from time_machine import Traveller

from accounts.models import User
from billing.ledger import credits, expiry
from tests.billing.conftest import DAY, START, create_user_without_credits, grant_credits
from tests.concurrency import run_concurrently
from tests.statements import failing, names, writes


def test_expire_due_covers_every_account_when_lots_have_expired(
    carol: User, dave: User, clock: Traveller
) -> None:
    grant_credits(carol, 10, until=START + DAY)
    grant_credits(dave, 7, until=START + DAY)
    grant_credits(dave, 5, until=START + 2 * DAY)
    clock.move_to(START + DAY)
    assert (expiry.expire_due(), expiry.expire_due()) == (17, 0)
    assert (credits.available(carol), credits.available(dave)) == (0, 5)


@pytest.mark.django_db(transaction=True)
def test_expire_due_leaves_an_account_to_the_next_run_when_it_is_locked(
    transactional_db: None,
) -> None:
    users = [create_user_without_credits(name) for name in ("erin", "frank")]
    with time_machine.travel(START, tick=False) as clock:
        for user, amount in zip(users, (10, 7), strict=True):
            grant_credits(user, amount, until=START + DAY)
        clock.shift(DAY)
        with transaction.atomic():
            credits.lock(users[0])
            if connection.vendor == "postgresql":
                assert run_concurrently([expiry.expire_due]) == [7]
        assert expiry.expire_due() == (10 if connection.vendor == "postgresql" else 17)


@pytest.mark.parametrize("broken", [0, 1])
def test_expire_due_continues_when_one_account_fails(
    carol: User, dave: User, clock: Traveller, broken: int
) -> None:
    users = sorted([carol, dave], key=lambda user: user.pk)
    for user, amount in zip(users, (10, 7), strict=True):
        grant_credits(user, amount, until=START + DAY)
    clock.move_to(START + DAY)
    with failing(writes("billing_entry"), names(users[broken].pk)):
        assert expiry.expire_due() == (7, 10)[broken]
    assert expiry.expire_due() == (10, 7)[broken]
