"""Welcome credits are granted once, with the account, and live 30 days."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import IntegrityError
from time_machine import Traveller

from accounts.models import User
from accounts.people import signup
from billing.ledger import credits, expiry, invariants
from billing.models import Account, Entry
from tests.billing.conftest import START, entries_of, ledger_rows, open_lots_of

MONTH = timedelta(days=30)
pytestmark = pytest.mark.usefixtures("clock")


def test_welcome_credits_are_granted_when_an_account_is_opened() -> None:
    user = signup.open_account("erin", "erin@example.com", "a password")
    assert credits.summary(user) == credits.Summary(100, 0, 100, 0, 0, 0, START + MONTH)
    entry = Entry.objects.get()
    assert (entry.type, entry.amount, entry.key) == ("bonus", 100, f"signup:{user.pk}")
    assert (entry.reference_type, entry.reference_id, entry.description) == (
        "signup",
        str(user.pk),
        "Welcome credits",
    )


def test_welcome_credits_expire_when_thirty_days_have_passed(clock: Traveller) -> None:
    user = signup.open_account("erin", "erin@example.com", None)
    clock.move_to(START + MONTH - timedelta(microseconds=1))
    assert open_lots_of(user) == [(100, START + MONTH)]
    clock.move_to(START + MONTH)
    assert open_lots_of(user) == []
    assert expiry.expire_due() == 100
    assert entries_of(user) == [("bonus", 100), ("expired", -100)]
    assert invariants.problems() == []


def test_welcome_credits_are_granted_once_when_repeated(clock: Traveller) -> None:
    user = signup.open_account("erin", "erin@example.com", None)
    clock.shift(timedelta(days=40))
    before = ledger_rows()
    signup.grant_welcome_credits(user)
    assert ledger_rows() == before


def test_welcome_credits_are_not_granted_when_the_setting_is_zero(settings: LazySettings) -> None:
    settings.WELCOME_CREDITS = 0
    user = signup.open_account("erin", "erin@example.com", None)
    assert (Account.objects.count(), Entry.objects.count()) == (0, 0)
    assert credits.summary(user) == credits.Summary(0, 0, 0, 0, 0, 0, None)


def test_welcome_credits_are_not_granted_when_the_name_is_taken(carol: User) -> None:
    before = ledger_rows()
    with pytest.raises(IntegrityError):
        signup.open_account("Carol", "other@example.com", None)
    assert ledger_rows() == before
    assert User.objects.count() == 1
