"""Checkout Sessions of the sandbox Stripe, through Stripe's SDK over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe
from django.conf import LazySettings

from billing.sandbox import database
from tests.verification.sandbox_stripe import sdk_shapes
from tests.verification.sandbox_stripe.merchant import Merchant, make_older, request


def test_session_is_open_with_its_parameters_when_created(merchant: Merchant) -> None:
    session = merchant.create_session()
    assert session.url == f"{merchant.url}/c/pay/{session.id}"
    assert (session.status, session.payment_status, session.ui_mode) == (
        "open",
        "unpaid",
        "hosted_page",
    )
    assert (session.amount_total, session.currency, session.locale) == (990, "cny", "zh")
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"payment_id": "order-1"}
    assert session.client_reference_id == "order-1"
    assert session.payment_intent is None


def test_session_completes_and_events_are_sent_when_paid_by_card(merchant: Merchant) -> None:
    session = merchant.create_session()
    answer = merchant.click(session.id, "pay", email="anna@example.com")
    assert (answer.status_code, answer["Location"]) == (
        303,
        f"http://testserver/paid?session={session.id}",
    )
    paid = merchant.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge", "line_items"]}
    )
    intent: Any = paid.payment_intent
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (intent.status, intent.amount_received) == ("succeeded", 990)
    assert intent.metadata.to_dict() == {"payment_id": "order-1"}
    assert (intent.latest_charge.status, intent.latest_charge.captured) == ("succeeded", True)
    assert paid.line_items is not None
    assert [item.description for item in paid.line_items.data] == ["100 credits"]
    assert merchant.deliver() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    done = merchant.receiver.received[-1].event["data"]["object"]
    assert (done["id"], done["payment_status"]) == (session.id, "paid")
    assert done["client_reference_id"] == "order-1"


def test_answers_and_events_match_the_sdk_when_every_kind_exists(merchant: Merchant) -> None:
    assert sdk_shapes.check_params("checkout.session", merchant.session_parameters()) == []
    for method in ("card", "alipay", "wechat_pay"):
        session = merchant.create_paid_session(method)
        merchant.v1.refunds.create({"payment_intent": str(session.payment_intent), "amount": 90})
        merchant.deliver()
    for opening, steps in (("dispute", ("respond", "win")), ("inquiry", ("escalate", "lose"))):
        assert (
            merchant.click_dashboard(opening, merchant.charge(merchant.create_paid_session()).id)
            == 303
        )
        dispute = merchant.v1.disputes.list().data[0]
        assert [merchant.click_dashboard(step, dispute.id) for step in steps] == [303, 303]
    merchant.click(merchant.create_session().id, "decline")
    for action in ("later", "later-fail", "expire"):
        merchant.click(merchant.create_session().id, action)
    merchant.deliver()
    for place in (
        *("/v1/checkout/sessions", "/v1/payment_intents", "/v1/charges", "/v1/refunds"),
        *("/v1/disputes", "/v1/events"),
    ):
        listed = request(merchant, "GET", f"{place}?limit=100").json()
        assert sdk_shapes.problems(listed) == []
        one = request(merchant, "GET", f"{place}/{listed['data'][0]['id']}").json()
        assert one == listed["data"][0]
    session_id = merchant.v1.checkout.sessions.list().data[0].id
    lines = request(merchant, "GET", f"/v1/checkout/sessions/{session_id}/line_items").json()
    assert sdk_shapes.problems(lines) == []
    assert [p for each in merchant.receiver.received for p in sdk_shapes.problems(each.event)] == []


def test_shape_check_reports_problems_when_a_body_is_wrong(merchant: Merchant) -> None:
    body = request(merchant, "GET", f"/v1/checkout/sessions/{merchant.create_session().id}").json()
    del body["created"]
    body |= {"status": "done", "amount_total": "990", "colour": "red", "livemode": None}
    assert sorted(problem.partition(":")[0] for problem in sdk_shapes.problems(body)) == [
        "checkout.session.amount_total",
        "checkout.session.colour",
        "checkout.session.created",
        "checkout.session.livemode",
        "checkout.session.status",
    ]
    wrong = merchant.session_parameters(payment_method_types=["card"], curency="cny", locale="xx")
    assert len(sdk_shapes.check_params("checkout.session", wrong)) == 3


def test_session_stays_open_when_the_card_is_declined(merchant: Merchant) -> None:
    session = merchant.create_session()
    answer = merchant.click(session.id, "decline")
    assert answer.status_code == 402
    assert "was declined" in answer.content.decode()
    again = merchant.v1.checkout.sessions.retrieve(session.id)
    assert (again.status, again.payment_status) == ("open", "unpaid")
    assert merchant.intent(again).status == "requires_payment_method"
    assert merchant.click(session.id, "pay").status_code == 303
    assert merchant.charge(merchant.v1.checkout.sessions.retrieve(session.id)).status == "succeeded"
    assert merchant.deliver() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize(
    ("action", "status", "last"),
    [
        ("later", "paid", "checkout.session.async_payment_succeeded"),
        ("later-fail", "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_session_completes_unpaid_when_the_payment_is_delayed(
    merchant: Merchant, settings: LazySettings, action: str, status: str, last: str
) -> None:
    settings.SANDBOX_SPEED = 1.0
    session = merchant.create_session()
    assert merchant.click(session.id, action).status_code == 303
    waiting = merchant.v1.checkout.sessions.retrieve(session.id)
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert merchant.deliver()[-1] == "checkout.session.completed"
    assert merchant.receiver.received[-1].event["data"]["object"]["payment_status"] == "unpaid"
    with database.writing() as db:
        db.connection.execute("UPDATE timer SET due_at = 0 WHERE step LIKE 'payment.%'")
    assert merchant.deliver()[-1] == last
    assert merchant.v1.checkout.sessions.retrieve(session.id).payment_status == status


def test_session_cannot_be_paid_when_it_has_expired(merchant: Merchant) -> None:
    session = merchant.create_session()
    make_older(session.id, 1801)
    answer = merchant.click(session.id, "pay")
    assert answer.status_code == 409
    assert "has expired" in answer.content.decode()
    expired = merchant.v1.checkout.sessions.retrieve(session.id)
    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    assert merchant.deliver() == ["checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError):
        merchant.v1.checkout.sessions.expire(session.id)


def test_session_expires_when_the_merchant_asks(merchant: Merchant) -> None:
    session = merchant.create_session()
    assert merchant.v1.checkout.sessions.expire(session.id).status == "expired"
    assert merchant.click(session.id, "pay").status_code == 409
    assert merchant.deliver() == ["checkout.session.expired"]
    paid = merchant.create_paid_session()
    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        merchant.v1.checkout.sessions.expire(paid.id)


def test_one_payment_is_made_when_paid_several_times_at_once(merchant: Merchant) -> None:
    session = merchant.create_session()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: merchant.click(session.id, "pay").status_code, range(8)))
    assert answers == [303] * 8
    assert len(merchant.v1.charges.list().data) == 1


def test_session_completes_without_payment_when_it_is_free(merchant: Merchant) -> None:
    order = merchant.session_parameters()
    order["line_items"][0]["price_data"]["unit_amount"] = 0
    session = merchant.v1.checkout.sessions.create(order)  # type: ignore[arg-type]
    assert merchant.click(session.id, "pay").status_code == 303
    done = merchant.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status, done.payment_intent) == (
        "complete",
        "no_payment_required",
        None,
    )
