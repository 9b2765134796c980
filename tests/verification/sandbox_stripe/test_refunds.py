"""Refunds and disputes of the sandbox Stripe."""

from typing import Any

import pytest
import stripe
from django.conf import LazySettings

from billing.sandbox import database
from tests.verification.sandbox_stripe.merchant import Merchant


def refund(merchant: Merchant, session: stripe.checkout.Session, **fields: Any) -> stripe.Refund:
    order: Any = {"payment_intent": str(session.payment_intent), **fields}
    return merchant.v1.refunds.create(order)


def test_charge_is_refunded_in_parts_when_paid_by_card(merchant: Merchant) -> None:
    session = merchant.create_paid_session()
    merchant.deliver()
    first = refund(
        merchant, session, amount=490, reason="requested_by_customer", metadata={"a": "1"}
    )
    assert (first.status, first.amount, first.reason) == ("succeeded", 490, "requested_by_customer")
    assert first.metadata is not None
    assert first.metadata.to_dict() == {"a": "1"}
    assert merchant.deliver() == ["refund.created", "charge.refunded"]
    event = merchant.receiver.received[-1].event["data"]
    assert (event["object"]["amount_refunded"], event["object"]["refunded"]) == (490, False)
    assert event["previous_attributes"] == {"amount_refunded": 0}
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded") as caught:
        refund(merchant, session, amount=501)
    assert caught.value.param == "amount"
    assert refund(merchant, session).amount == 500
    merchant.deliver()
    event = merchant.receiver.received[-1].event["data"]
    assert (event["object"]["amount_refunded"], event["object"]["refunded"]) == (990, True)
    assert event["previous_attributes"] == {"amount_refunded": 490, "refunded": False}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        refund(merchant, session, amount=1)
    assert caught.value.code == "charge_already_refunded"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": "4.9"}, "amount"),
        ({"reason": "the film was bad"}, "reason"),
        ({"payment_intent": "pi_none"}, "payment_intent"),
        ({"charge": "ch_1"}, None),
        ({"currency": "cny"}, "currency"),
    ],
)
def test_answer_is_400_when_a_refund_is_invalid(
    merchant: Merchant, fields: dict[str, Any], param: str | None
) -> None:
    session = merchant.create_paid_session()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        refund(merchant, session, **fields)
    assert (caught.value.http_status, caught.value.param) == (400, param)


def test_refund_is_refused_when_the_payment_is_unpaid(merchant: Merchant) -> None:
    session = merchant.create_session()
    merchant.click(session.id, "decline")
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        refund(merchant, merchant.v1.checkout.sessions.retrieve(session.id))


def test_charge_is_refunded_when_the_request_names_its_id(merchant: Merchant) -> None:
    charge = merchant.charge(merchant.create_paid_session())
    assert merchant.v1.refunds.create({"charge": charge.id}).charge == charge.id
    whole = merchant.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert whole.refunds is not None
    assert (whole.refunded, [each.amount for each in whole.refunds.data]) == (True, [990])


@pytest.mark.parametrize("method", ["alipay", "wechat_pay"])
def test_refund_is_pending_first_when_a_wallet_paid(
    merchant: Merchant, settings: LazySettings, method: str
) -> None:
    session = merchant.create_paid_session(method)
    merchant.deliver()
    settings.SANDBOX_SPEED = 10.0
    waiting = refund(merchant, session)
    assert (waiting.status, waiting.pending_reason) == ("pending", "processing")
    assert merchant.charge(session).amount_refunded == 990
    assert merchant.deliver() == ["refund.created", "charge.refunded"]
    settings.SANDBOX_SPEED = 0.0
    age_timers()
    assert merchant.deliver() == ["refund.updated", "charge.refund.updated"]
    assert (
        merchant.receiver.received[-1].event["data"]["previous_attributes"]["status"] == "pending"
    )
    assert merchant.v1.refunds.retrieve(waiting.id).status == "succeeded"


def age_timers() -> None:
    with database.writing() as db:
        db.connection.execute("UPDATE timer SET due_at = 0 WHERE step NOT LIKE 'session.%'")


def test_charge_counts_as_not_refunded_when_a_succeeded_refund_fails(merchant: Merchant) -> None:
    session = merchant.create_paid_session(email="anna+refundfail@example.com")
    merchant.deliver()
    made = refund(merchant, session, amount=490)
    assert made.status == "succeeded"
    types = merchant.deliver()
    assert types == [
        "refund.created",
        "charge.refunded",
        "refund.failed",
        "refund.updated",
        "charge.refund.updated",
    ]
    failed = merchant.receiver.received[-3].event["data"]
    assert (failed["object"]["status"], failed["previous_attributes"]["status"]) == (
        "failed",
        "succeeded",
    )
    assert merchant.v1.refunds.retrieve(made.id).failure_reason == "lost_or_stolen_card"
    assert (merchant.charge(session).amount_refunded, merchant.charge(session).refunded) == (
        0,
        False,
    )


def test_refund_has_no_metadata_and_can_fail_when_the_dashboard_makes_it(
    merchant: Merchant,
) -> None:
    session = merchant.create_paid_session()
    assert merchant.click_dashboard("refund", str(session.payment_intent), amount="90") == 303
    assert merchant.click_dashboard("refund", str(session.payment_intent)) == 303
    rest, part = merchant.v1.refunds.list().data
    assert rest.metadata is not None
    assert (part.amount, rest.amount, rest.metadata.to_dict()) == (90, 900, {})
    assert merchant.click_dashboard("refund", str(session.payment_intent), amount="1") == 400
    assert merchant.click_dashboard("fail-refund", rest.id) == 303
    assert merchant.click_dashboard("fail-refund", rest.id) == 303
    assert merchant.v1.refunds.retrieve(rest.id).status == "failed"
    assert merchant.charge(session).amount_refunded == 90


def test_metadata_is_merged_when_a_refund_is_updated(merchant: Merchant) -> None:
    made = refund(merchant, merchant.create_paid_session(), metadata={"a": "1", "b": "2"})
    changed = merchant.v1.refunds.update(made.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}


def dispute(merchant: Merchant, action: str = "dispute") -> tuple[stripe.checkout.Session, str]:
    session = merchant.create_paid_session()
    merchant.deliver()
    assert merchant.click_dashboard(action, merchant.charge(session).id) == 303
    return session, merchant.v1.disputes.list().data[0].id


@pytest.mark.parametrize(
    ("steps", "status", "types"),
    [
        (["win"], "won", ["charge.dispute.closed", "charge.dispute.funds_reinstated"]),
        (["lose"], "lost", ["charge.dispute.closed"]),
        (["respond"], "under_review", ["charge.dispute.updated"]),
        (["respond", "lose"], "lost", ["charge.dispute.updated", "charge.dispute.closed"]),
    ],
)
def test_dispute_ends_with_its_events_when_steps_are_taken(
    merchant: Merchant, steps: list[str], status: str, types: list[str]
) -> None:
    session, dispute_id = dispute(merchant)
    assert merchant.deliver() == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    for step in steps:
        assert merchant.click_dashboard(step, dispute_id) == 303
    now = merchant.v1.disputes.retrieve(dispute_id)
    assert (now.status, now.amount, now.payment_intent) == (status, 990, session.payment_intent)
    assert merchant.deliver() == types
    assert merchant.charge(session).disputed is True


def test_funds_are_withdrawn_when_an_inquiry_escalates(merchant: Merchant) -> None:
    _, dispute_id = dispute(merchant, "inquiry")
    asked = merchant.v1.disputes.retrieve(dispute_id)
    assert (asked.status, asked.balance_transactions) == ("warning_needs_response", [])
    assert merchant.deliver() == ["charge.dispute.created"]
    assert [merchant.click_dashboard(step, dispute_id) for step in ("win", "respond", "close")] == [
        303
    ] * 3
    assert merchant.v1.disputes.retrieve(dispute_id).status == "warning_closed"
    assert merchant.deliver() == ["charge.dispute.updated", "charge.dispute.closed"]
    _, dispute_id = dispute(merchant, "inquiry")
    merchant.click_dashboard("escalate", dispute_id)
    escalated = merchant.v1.disputes.retrieve(dispute_id)
    assert escalated.status == "needs_response"
    assert [each.amount for each in escalated.balance_transactions] == [-990]


def test_refund_is_refused_when_the_charge_is_disputed(merchant: Merchant) -> None:
    session, dispute_id = dispute(merchant)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        refund(merchant, session)
    assert caught.value.code == "charge_disputed"
    merchant.click_dashboard("win", dispute_id)
    assert refund(merchant, session).status == "succeeded"


def test_unrefunded_rest_is_disputed_once_when_a_dispute_opens(merchant: Merchant) -> None:
    session = merchant.create_paid_session()
    refund(merchant, session, amount=490)
    charge = merchant.charge(session).id
    assert [
        merchant.click_dashboard("dispute", charge),
        merchant.click_dashboard("dispute", charge),
    ] == [303, 400]
    assert [each.amount for each in merchant.v1.disputes.list({"charge": charge}).data] == [500]
    assert (
        merchant.click_dashboard(
            "dispute", merchant.charge(merchant.create_paid_session("alipay")).id
        )
        == 400
    )


@pytest.mark.parametrize(
    ("word", "status"), [("dispute", "needs_response"), ("inquiry", "warning_needs_response")]
)
def test_dispute_opens_when_the_email_has_a_trigger_word(
    merchant: Merchant, word: str, status: str
) -> None:
    merchant.create_paid_session(email=f"anna+{word}@example.com")
    assert "charge.dispute.created" in merchant.deliver()
    assert [each.status for each in merchant.v1.disputes.list().data] == [status]
