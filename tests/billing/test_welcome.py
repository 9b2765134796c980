"""Welcome credits: given with the account, once, for 30 days."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import IntegrityError
from time_machine import Traveller

from accounts.models import User
from accounts.people import signup
from billing.ledger import credits, expiry, invariants
from billing.models import Account, Entry
from tests.billing.conftest import T, everything, left, lines

MONTH = timedelta(days=30)
pytestmark = pytest.mark.usefixtures("clock")


def test_welcome_when_an_account_is_opened() -> None:
    user = signup.open_account("erin", "erin@example.com", "a password")
    assert credits.summary(user) == credits.Summary(100, 0, 100, 0, 0, 0, T + MONTH)
    entry = Entry.objects.get()
    assert (entry.type, entry.amount, entry.key) == ("bonus", 100, f"signup:{user.pk}")
    assert (entry.reference_type, entry.reference_id, entry.description) == (
        "signup",
        str(user.pk),
        "Welcome credits",
    )


def test_welcome_ends_after_thirty_days(clock: Traveller) -> None:
    user = signup.open_account("erin", "erin@example.com", None)
    clock.move_to(T + MONTH - timedelta(microseconds=1))
    assert left(user) == [(100, T + MONTH)]
    clock.move_to(T + MONTH)
    assert left(user) == []
    assert expiry.expire_due() == 100
    assert lines(user) == [("bonus", 100), ("expired", -100)]
    assert invariants.problems() == []


def test_welcome_when_it_is_repeated(clock: Traveller) -> None:
    user = signup.open_account("erin", "erin@example.com", None)
    clock.shift(timedelta(days=40))
    before = everything()
    signup.grant_welcome_credits(user)
    assert everything() == before


def test_welcome_when_there_is_none_to_give(settings: LazySettings) -> None:
    settings.WELCOME_CREDITS = 0
    user = signup.open_account("erin", "erin@example.com", None)
    assert (Account.objects.count(), Entry.objects.count()) == (0, 0)
    assert credits.summary(user) == credits.Summary(0, 0, 0, 0, 0, 0, None)


def test_welcome_when_the_name_is_taken(carol: User) -> None:
    before = everything()
    with pytest.raises(IntegrityError):
        signup.open_account("Carol", "other@example.com", None)
    assert everything() == before
    assert User.objects.count() == 1
