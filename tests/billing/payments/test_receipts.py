"""Receipts of payments and notices of refunds."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import formats, timezone

from accounts.models import User
from billing.models import Payment, Refund
from billing.payments import receipts
from config.lib.models import SentEmail
from tests.billing import payment_events

pytestmark = pytest.mark.django_db


def sent_emails() -> list[tuple[str, str]]:
    return [(message.to[0], str(message.subject)) for message in mail.outbox]


# ---- receipts ----


def test_receipt_is_sent_once_when_a_payment_is_paid(carol: User) -> None:
    payment = payment_events.create_paid_payment(carol)
    assert [receipts.send_due(), receipts.send_due()] == [1, 0]
    assert sent_emails() == [("carol@example.com", f"Your receipt: {payment.name}")]
    body = str(mail.outbox[0].body)
    assert f"We received ¥9.90 CNY for {payment.name}." in body
    assert "100 credits were added to your balance." in body
    assert f"http://127.0.0.1:8000/billing/payments/{payment.pk}/" in body


def test_receipt_names_the_day_on_which_the_credits_expire(carol: User) -> None:
    """They live from the grant, which is later than the payment when its event was late."""
    payment = payment_events.create_payment(carol)
    event = payment_events.checkout_completed(payment)
    event["created"] -= 24 * 3600
    payment_events.deliver(event)
    receipts.send_due()
    day = timezone.localdate() + timedelta(days=90)
    assert f"They expire on {formats.date_format(day, 'DATE_FORMAT')}." in str(mail.outbox[0].body)


def test_receipt_is_not_sent_when_unpaid_old_or_under_review(carol: User) -> None:
    payment_events.create_payment(carol)
    old, asked = (
        payment_events.create_paid_payment(carol),
        payment_events.create_paid_payment(carol),
    )
    ago = timezone.now() - receipts.MAX_AGE - timedelta(seconds=1)
    Payment.objects.filter(pk=old.pk).update(paid_at=ago)
    Payment.objects.filter(pk=asked.pk).update(review_reason="the session is not this payment's")
    assert (receipts.send_due(), sent_emails()) == (0, [])


def test_receipt_is_queued_by_the_next_run_when_it_failed(
    carol: User, mail_errors: dict[str, Exception]
) -> None:
    payment_events.create_paid_payment(carol)
    mail_errors["*"] = ValueError("an e-mail that cannot be written")
    assert (receipts.send_due(), SentEmail.objects.count()) == (0, 0)
    mail_errors.clear()
    assert receipts.send_due() == 1


# ---- refunds ----


def test_refund_notice_is_sent_once_when_the_refund_succeeds(carol: User) -> None:
    payment = payment_events.create_paid_payment(carol)
    receipts.send_due()
    payment_events.deliver(payment_events.refund_event(payment, 330))
    assert [receipts.send_due(), receipts.send_due()] == [1, 0]
    assert sent_emails()[1] == ("carol@example.com", "We refunded ¥3.30 CNY to you")
    assert f"/billing/payments/{payment.pk}/" in str(mail.outbox[1].body)


def test_refund_notice_is_not_sent_when_the_refund_failed(carol: User) -> None:
    payment = payment_events.create_paid_payment(carol)
    receipts.send_due()
    Refund.objects.create(
        payment=payment,
        amount_minor=1,
        status=Refund.Status.FAILED,
        source=Refund.Source.ADMIN,
        created_at=timezone.now(),
    )
    assert receipts.send_due() == 0
