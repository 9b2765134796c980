"""Bought credits live 90 days from the payment, and are spent after what expires before them."""

from datetime import timedelta

from django.conf import LazySettings
from time_machine import Traveller

from accounts.people import signup
from billing.ledger import credits
from tests.billing import told
from tests.billing.conftest import DAY, T, left


def test_bought_credits_expire_ninety_days_after_the_payment(clock: Traveller) -> None:
    user = signup.open_account("erin", "erin@example.com", None)
    told.bought(user)
    welcome, bought = (100, T + 30 * DAY), (100, T + 90 * DAY)
    assert left(user) == [welcome, bought]
    clock.move_to(T + 90 * DAY - timedelta(microseconds=1))
    assert credits.available(user) == 100
    clock.move_to(T + 90 * DAY)
    assert credits.available(user) == 0


def test_they_live_as_long_as_is_set(clock: Traveller, settings: LazySettings) -> None:
    settings.PURCHASE_LIFETIME = 7 * DAY
    user = signup.open_account("erin", "erin@example.com", None)
    told.bought(user)
    assert left(user) == [(100, T + 7 * DAY), (100, T + 30 * DAY)]
