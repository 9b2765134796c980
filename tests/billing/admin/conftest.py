"""Payments that staff must review."""

import pytest

from accounts.models import User
from billing.models import Payment
from tests.billing import payment_events


@pytest.fixture
def mismatched(carol: User) -> Payment:
    """A payment under review: less was paid than its price."""
    payment = payment_events.create_payment(carol)
    assert payment_events.deliver(payment_events.checkout_completed(payment, amount_total=980)) == [
        "review"
    ]
    return payment_events.reload(payment)
