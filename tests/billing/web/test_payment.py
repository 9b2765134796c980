"""The page of one payment."""

from django.test import Client

from accounts.models import User
from tests.billing import payment_events
from tests.billing.web import pages


def test_payment_page_names_staff_when_the_payment_was_not_accepted(
    page: Client, alice: User
) -> None:
    payment = payment_events.create_payment(alice, status="failed", failure_code="not_accepted")
    shown = pages.text_of(page, f"/billing/payments/{payment.pk}/")
    assert "Nothing was charged" not in shown
    assert "Our staff will contact you about the money." in shown


def test_payment_page_says_that_the_payment_is_awaited_when_it_is_pending(
    page: Client, alice: User
) -> None:
    payment = payment_events.create_payment(alice)
    shown = pages.text_of(page, f"/billing/payments/{payment.pk}/")
    assert "Waiting for the payment. This usually takes seconds." in shown
    assert "Credits are added automatically. You can leave this page." in shown
