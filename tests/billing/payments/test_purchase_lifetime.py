"""Purchased credits live 90 days from the payment."""

from datetime import timedelta

from django.conf import LazySettings
from time_machine import Traveller

from accounts.people import signup
from billing.ledger import credits
from tests.billing import payment_events
from tests.billing.conftest import DAY, START, open_lots_of


def test_purchased_credits_expire_when_ninety_days_have_passed(clock: Traveller) -> None:
    user = signup.open_account("erin", "erin@example.com", None)
    payment_events.create_paid_payment(user)
    welcome, bought = (100, START + 30 * DAY), (100, START + 90 * DAY)
    assert open_lots_of(user) == [welcome, bought]
    clock.move_to(START + 90 * DAY - timedelta(microseconds=1))
    assert credits.available(user) == 100
    clock.move_to(START + 90 * DAY)
    assert credits.available(user) == 0


def test_purchased_credits_follow_the_setting_when_it_changes(
    clock: Traveller, settings: LazySettings
) -> None:
    settings.PURCHASE_LIFETIME = 7 * DAY
    user = signup.open_account("erin", "erin@example.com", None)
    payment_events.create_paid_payment(user)
    assert open_lots_of(user) == [(100, START + 7 * DAY), (100, START + 30 * DAY)]
