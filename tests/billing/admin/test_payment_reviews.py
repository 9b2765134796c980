"""Staff decide about payments under review; the audit log keeps the reason."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Payment
from billing.payments import refunds, reviews
from tests.billing import payment_events
from tests.billing.admin import audit_log
from tests.billing.conftest import entries_of
from tests.conftest import create_user

PAYMENTS = "/admin/billing/payment/"


def post_action(staff_client: Client, action: str, *chosen: Payment, **more: str) -> Any:
    return staff_client.post(
        PAYMENTS, {"action": action, "_selected_action": [p.pk for p in chosen], **more}
    )


def confirm_decision(
    staff_client: Client, action: str, payment: Payment, reason: str = "Seen the money"
) -> Any:
    more = {"confirm": "1", f"question:{payment.pk}": payment.review_reason, "reason": reason}
    return post_action(staff_client, action, payment, **more)


# ---- reviews ----


def test_review_page_shows_the_payments_when_an_action_is_chosen(
    staff_client: Client, mismatched: Payment
) -> None:
    shown = post_action(staff_client, "accept", mismatched)
    assert (shown.context["payments"], shown.context["title"]) == (
        [mismatched],
        "Accept as paid",
    )
    assert mismatched.review_reason in shown.content.decode()
    assert (payment_events.reload(mismatched), audit_log.log_messages()) == (
        mismatched,
        [],
    )


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
def test_decision_is_refused_when_the_reason_is_invalid(
    staff_client: Client, mismatched: Payment, reason: str
) -> None:
    answer = confirm_decision(staff_client, "accept", mismatched, reason)
    assert list(answer.context["form"].errors) == ["reason"]
    assert (
        payment_events.reload(mismatched).review_reason,
        audit_log.log_messages(),
    ) == (
        mismatched.review_reason,
        [],
    )


def test_payment_succeeds_when_staff_accept_it(staff_client: Client, mismatched: Payment) -> None:
    assert confirm_decision(staff_client, "accept", mismatched).status_code == 302
    assert payment_events.payment_state(mismatched) == payment_events.PaymentState(
        "succeeded", 0, 100, 0, 0, 1
    )
    assert audit_log.log_messages() == [
        f"Accept as paid ({mismatched.review_reason}): Seen the money"
    ]
    assert invariants.problems() == []


def test_payment_fails_when_staff_dismiss_its_review(
    staff_client: Client, mismatched: Payment
) -> None:
    assert confirm_decision(staff_client, "dismiss", mismatched).status_code == 302
    now = payment_events.reload(mismatched)
    assert (now.status, now.failure_code, now.review_reason) == ("failed", "not_accepted", "")
    assert credits.available(mismatched.user) == 0
    assert audit_log.log_messages() == [f"Dismiss ({mismatched.review_reason}): Seen the money"]


@pytest.mark.parametrize("action", ["accept", "dismiss"])
def test_payment_is_not_under_review_again_when_the_reason_was_decided(
    staff_client: Client, mismatched: Payment, action: str
) -> None:
    confirm_decision(staff_client, action, mismatched)
    after = payment_events.payment_state(mismatched)
    assert payment_events.deliver(
        payment_events.checkout_completed(mismatched, amount_total=980)
    ) == ["done"]
    assert (
        payment_events.reload(mismatched).review_reason,
        payment_events.payment_state(mismatched),
    ) == ("", after)
    payment_events.deliver(
        payment_events.checkout_completed(mismatched, payment_status="no_payment_required")
    )
    assert payment_events.reload(mismatched).review_reason == "Stripe asked for no payment"


def test_decision_changes_nothing_when_the_review_changed_meanwhile(
    staff_client: Client, mismatched: Payment
) -> None:
    reviews.dismiss(mismatched, mismatched.review_reason)
    payment_events.deliver(
        payment_events.checkout_completed(mismatched, payment_status="no_payment_required")
    )
    confirm_decision(staff_client, "accept", mismatched)
    now = payment_events.reload(mismatched)
    assert (now.is_paid, now.review_reason, audit_log.log_messages()) == (
        False,
        "Stripe asked for no payment",
        [],
    )


def test_decision_changes_nothing_when_the_payment_is_not_under_review(
    staff_client: Client, carol: User
) -> None:
    payment = payment_events.create_paid_payment(carol)
    assert post_action(staff_client, "accept", payment).status_code == 302
    assert (payment_events.payment_state(payment).grants, audit_log.log_messages()) == (1, [])
    with pytest.raises(reviews.AlreadyDecided):
        reviews.accept(payment, "")


def test_decision_is_403_when_staff_lack_the_permission(mismatched: Payment) -> None:
    clerk = Client()
    clerk.force_login(create_user("clerk", is_staff=True))
    assert confirm_decision(clerk, "accept", mismatched).status_code == 403
    assert payment_events.reload(mismatched).review_reason == mismatched.review_reason


# ---- clawbacks and refunds during a review ----


@pytest.fixture
def granted(carol: User) -> Payment:
    """A granted payment; a later event does not match, so it is under review."""
    payment = payment_events.create_paid_payment(carol)
    assert payment_events.deliver(payment_events.checkout_completed(payment, amount_total=980)) == [
        "review"
    ]
    return payment_events.reload(payment)


@pytest.mark.parametrize("word", ["refund", "dispute"])
def test_credits_are_clawed_back_when_a_payment_under_review_is_refunded(
    granted: Payment, word: str
) -> None:
    payment_events.deliver(
        payment_events.refund_event(granted, 990)
        if word == "refund"
        else payment_events.dispute_event(granted, "lost")
    )
    assert credits.available(granted.user) == 0
    assert granted.review_reason != ""
    payment_events.deliver(
        payment_events.refund_event(granted, 990, "failed"),
        payment_events.dispute_event(granted, "won"),
    )
    assert credits.available(granted.user) == 100


def test_refund_is_possible_when_a_granted_payment_is_under_review(granted: Payment) -> None:
    assert refunds.preview(granted, 990) == refunds.RefundPreview(990, 100, 100, 0)


def test_refund_is_refused_when_a_payment_under_review_was_not_granted(carol: User) -> None:
    payment = payment_events.create_payment(carol)
    other = {**payment_events.checkout_session(payment), "id": "cs_of_another_payment"}
    payment_events.deliver(
        payment_events.stripe_event("checkout.session.completed", other),
        payment_events.checkout_completed(payment),
    )
    payment = payment_events.reload(payment)
    assert payment.is_paid is True
    assert payment.review_reason != ""
    with pytest.raises(refunds.NotRefundable):
        refunds.preview(payment, 990)
    payment_events.deliver(payment_events.refund_event(payment, 330))
    assert entries_of(carol) == []
    reviews.dismiss(payment, payment.review_reason)
    assert payment_events.payment_state(payment) == payment_events.PaymentState(
        "partial_refunded", 330, 67, 0, 33, 1
    )
