"""Refunds and disputes of the stand-in for Stripe: at once, later, failed, won and lost."""

from typing import Any

import pytest
import stripe
from django.conf import LazySettings

from billing.sandbox import database
from tests.verification.test_sandbox_stripe import Shop, shop

__all__ = ["shop"]


def refund(shop: Shop, session: stripe.checkout.Session, **fields: Any) -> stripe.Refund:
    order: Any = {"payment_intent": str(session.payment_intent), **fields}
    return shop.v1.refunds.create(order)


def test_a_card_is_refunded_in_parts_until_nothing_is_left(shop: Shop) -> None:
    session = shop.paid()
    shop.deliver()
    first = refund(shop, session, amount=490, reason="requested_by_customer", metadata={"a": "1"})
    assert (first.status, first.amount, first.reason) == ("succeeded", 490, "requested_by_customer")
    assert first.metadata is not None
    assert first.metadata.to_dict() == {"a": "1"}
    assert shop.deliver() == ["refund.created", "charge.refunded"]
    event = shop.hook.received[-1].event["data"]
    assert (event["object"]["amount_refunded"], event["object"]["refunded"]) == (490, False)
    assert event["previous_attributes"] == {"amount_refunded": 0}
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded") as caught:
        refund(shop, session, amount=501)
    assert caught.value.param == "amount"
    assert refund(shop, session).amount == 500
    shop.deliver()
    event = shop.hook.received[-1].event["data"]
    assert (event["object"]["amount_refunded"], event["object"]["refunded"]) == (990, True)
    assert event["previous_attributes"] == {"amount_refunded": 490, "refunded": False}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        refund(shop, session, amount=1)
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
def test_a_refund_the_api_would_not_make_is_400(
    shop: Shop, fields: dict[str, Any], param: str | None
) -> None:
    session = shop.paid()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        refund(shop, session, **fields)
    assert (caught.value.http_status, caught.value.param) == (400, param)


def test_an_unpaid_payment_cannot_be_refunded(shop: Shop) -> None:
    session = shop.open()
    shop.press(session.id, "decline")
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        refund(shop, shop.v1.checkout.sessions.retrieve(session.id))


def test_a_charge_is_refunded_by_its_own_id(shop: Shop) -> None:
    charge = shop.charge(shop.paid())
    assert shop.v1.refunds.create({"charge": charge.id}).charge == charge.id
    whole = shop.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert whole.refunds is not None
    assert (whole.refunded, [each.amount for each in whole.refunds.data]) == (True, [990])


@pytest.mark.parametrize("method", ["alipay", "wechat_pay"])
def test_a_wallet_refund_is_pending_and_succeeds_later(
    shop: Shop, settings: LazySettings, method: str
) -> None:
    session = shop.paid(method)
    shop.deliver()
    settings.SANDBOX_SPEED = 10.0
    waiting = refund(shop, session)
    assert (waiting.status, waiting.pending_reason) == ("pending", "processing")
    assert shop.charge(session).amount_refunded == 990
    assert shop.deliver() == ["refund.created", "charge.refunded"]
    settings.SANDBOX_SPEED = 0.0
    age_timers()
    assert shop.deliver() == ["refund.updated", "charge.refund.updated"]
    assert shop.hook.received[-1].event["data"]["previous_attributes"]["status"] == "pending"
    assert shop.v1.refunds.retrieve(waiting.id).status == "succeeded"


def age_timers() -> None:
    with database.writing() as db:
        db.connection.execute("UPDATE timer SET due_at = 0 WHERE step NOT LIKE 'session.%'")


def test_a_succeeded_refund_fails_and_the_charge_keeps_the_money(shop: Shop) -> None:
    session = shop.paid(email="anna+refundfail@example.com")
    shop.deliver()
    made = refund(shop, session, amount=490)
    assert made.status == "succeeded"
    types = shop.deliver()
    assert types == [
        "refund.created",
        "charge.refunded",
        "refund.failed",
        "refund.updated",
        "charge.refund.updated",
    ]
    failed = shop.hook.received[-3].event["data"]
    assert (failed["object"]["status"], failed["previous_attributes"]["status"]) == (
        "failed",
        "succeeded",
    )
    assert shop.v1.refunds.retrieve(made.id).failure_reason == "lost_or_stolen_card"
    assert (shop.charge(session).amount_refunded, shop.charge(session).refunded) == (0, False)


def test_a_refund_of_the_dashboard_carries_no_metadata_and_can_fail(shop: Shop) -> None:
    session = shop.paid()
    assert shop.do("refund", str(session.payment_intent), amount="90") == 303
    assert shop.do("refund", str(session.payment_intent)) == 303
    rest, part = shop.v1.refunds.list().data
    assert rest.metadata is not None
    assert (part.amount, rest.amount, rest.metadata.to_dict()) == (90, 900, {})
    assert shop.do("refund", str(session.payment_intent), amount="1") == 400
    assert shop.do("fail-refund", rest.id) == 303
    assert shop.do("fail-refund", rest.id) == 303
    assert shop.v1.refunds.retrieve(rest.id).status == "failed"
    assert shop.charge(session).amount_refunded == 90


def test_the_metadata_of_a_refund_is_changed(shop: Shop) -> None:
    made = refund(shop, shop.paid(), metadata={"a": "1", "b": "2"})
    changed = shop.v1.refunds.update(made.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}


def dispute(shop: Shop, action: str = "dispute") -> tuple[stripe.checkout.Session, str]:
    session = shop.paid()
    shop.deliver()
    assert shop.do(action, shop.charge(session).id) == 303
    return session, shop.v1.disputes.list().data[0].id


@pytest.mark.parametrize(
    ("steps", "status", "types"),
    [
        (["win"], "won", ["charge.dispute.closed", "charge.dispute.funds_reinstated"]),
        (["lose"], "lost", ["charge.dispute.closed"]),
        (["respond"], "under_review", ["charge.dispute.updated"]),
        (["respond", "lose"], "lost", ["charge.dispute.updated", "charge.dispute.closed"]),
    ],
)
def test_a_dispute_takes_its_course(
    shop: Shop, steps: list[str], status: str, types: list[str]
) -> None:
    session, dispute_id = dispute(shop)
    assert shop.deliver() == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    for step in steps:
        assert shop.do(step, dispute_id) == 303
    now = shop.v1.disputes.retrieve(dispute_id)
    assert (now.status, now.amount, now.payment_intent) == (status, 990, session.payment_intent)
    assert shop.deliver() == types
    assert shop.charge(session).disputed is True


def test_an_inquiry_takes_no_money_unless_it_escalates(shop: Shop) -> None:
    _, dispute_id = dispute(shop, "inquiry")
    asked = shop.v1.disputes.retrieve(dispute_id)
    assert (asked.status, asked.balance_transactions) == ("warning_needs_response", [])
    assert shop.deliver() == ["charge.dispute.created"]
    assert [shop.do(step, dispute_id) for step in ("win", "respond", "close")] == [303] * 3
    assert shop.v1.disputes.retrieve(dispute_id).status == "warning_closed"
    assert shop.deliver() == ["charge.dispute.updated", "charge.dispute.closed"]
    _, dispute_id = dispute(shop, "inquiry")
    shop.do("escalate", dispute_id)
    escalated = shop.v1.disputes.retrieve(dispute_id)
    assert escalated.status == "needs_response"
    assert [each.amount for each in escalated.balance_transactions] == [-990]


def test_a_disputed_charge_cannot_be_refunded_until_it_is_won(shop: Shop) -> None:
    session, dispute_id = dispute(shop)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        refund(shop, session)
    assert caught.value.code == "charge_disputed"
    shop.do("win", dispute_id)
    assert refund(shop, session).status == "succeeded"


def test_only_what_is_left_is_disputed_and_only_once(shop: Shop) -> None:
    session = shop.paid()
    refund(shop, session, amount=490)
    charge = shop.charge(session).id
    assert [shop.do("dispute", charge), shop.do("dispute", charge)] == [303, 400]
    assert [each.amount for each in shop.v1.disputes.list({"charge": charge}).data] == [500]
    assert shop.do("dispute", shop.charge(shop.paid("alipay")).id) == 400


@pytest.mark.parametrize(
    ("word", "status"), [("dispute", "needs_response"), ("inquiry", "warning_needs_response")]
)
def test_a_word_in_the_address_opens_a_dispute(shop: Shop, word: str, status: str) -> None:
    shop.paid(email=f"anna+{word}@example.com")
    assert "charge.dispute.created" in shop.deliver()
    assert [each.status for each in shop.v1.disputes.list().data] == [status]
