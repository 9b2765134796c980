"""Buying credits against the sandbox Stripe, over real HTTP."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import User
from billing.ledger import credits as ledger_credits
from billing.ledger import invariants
from billing.models import Payment, Refund, StripeEvent
from billing.payments import checkout, reconciliation, refunds, stripe_client
from billing.sandbox import webhooks
from tests.billing import stripe, told
from tests.billing.conftest import lines
from tests.conftest import ServerThread
from tests.verification.sandbox_stripe.sdk_shapes import check_call, check_params


@pytest.fixture
def buy(till: ServerThread, alice: User) -> Callable[[], Payment]:
    return lambda: checkout.create(alice, "trial")


def test_purchase_waits_for_its_payment(till: ServerThread, alice: User) -> None:
    payment = checkout.create(alice, "standard")
    assert (payment.status, payment.amount_minor, payment.currency) == ("pending", 4900, "CNY")
    assert payment.payment_url.startswith(f"{till.url}/sandbox/stripe/c/pay/")
    told_of_it = stripe_client.get_session(payment.session_id or "")
    assert (told_of_it["amount_total"], told_of_it["currency"]) == (4900, "cny")
    assert told_of_it["payment_status"] == "unpaid"
    assert ledger_credits.available(alice) == 100
    assert invariants.problems() == []


def test_purchase_paid(buy: Callable[[], Payment], alice: User) -> None:
    payment = stripe.pay(buy())
    assert (payment.status, payment.is_paid, payment.review_reason) == ("succeeded", True, "")
    assert lines(alice) == [("bonus", 100), ("purchased", 100)]
    states = set(StripeEvent.objects.values_list("state", flat=True))
    assert states == {"done", "ignored"}
    assert invariants.problems() == []


@pytest.mark.parametrize(
    ("outcome", "status", "credits"),
    [("decline", "pending", 100), ("later", "succeeded", 200), ("later-fail", "failed", 100)],
)
def test_purchase_paid_in_other_ways(
    buy: Callable[[], Payment], alice: User, outcome: Any, status: str, credits: int
) -> None:
    assert stripe.pay(buy(), outcome).status == status
    assert ledger_credits.available(alice) == credits


@pytest.mark.parametrize("word", ["twice", "shuffled", "late"])
def test_purchase_when_events_come_strangely(
    buy: Callable[[], Payment], alice: User, word: str
) -> None:
    payment = stripe.pay(buy(), email=f"anna+{word}@example.com")
    refunds.refund(payment, 330, source=Refund.Source.ADMIN)
    for _ in range(2):
        webhooks.resend([event["id"] for event in stripe.all_of("event")], copies=2, shuffled=True)
        stripe.deliver()
    assert told.standing(payment) == told.Standing("partial_refunded", 330, 167, 0, 33, 1)


def test_purchase_disputed(buy: Callable[[], Payment], alice: User) -> None:
    payment = stripe.pay(buy())
    dispute = stripe.dispute(payment)
    stripe.deliver()
    assert ledger_credits.available(alice) == 100
    stripe.step(dispute, "win")
    stripe.deliver()
    assert ledger_credits.available(alice) == 200


def test_purchase_refunded_in_the_dashboard(buy: Callable[[], Payment], alice: User) -> None:
    payment = stripe.pay(buy())
    stripe.refund_by_hand(payment, 330)
    stripe.deliver()
    assert told.standing(payment) == told.Standing("partial_refunded", 330, 167, 0, 33, 1)


def test_checkout_opened_again_is_the_same(buy: Callable[[], Payment]) -> None:
    payment = buy()
    before = (payment.session_id, payment.payment_url)
    again = checkout.open_checkout(payment)
    assert (again.session_id, again.payment_url) == before
    assert len(stripe.all_of("checkout.session")) == 1


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "409", "500"])
def test_checkout_when_stripe_fails_once(buy: Callable[[], Payment], kind: str) -> None:
    stripe.fault("sessions", kind)
    payment = buy()
    assert [one["id"] for one in stripe.all_of("checkout.session")] == [payment.session_id]


@pytest.mark.parametrize(
    ("kinds", "sessions"),
    [
        (["drop_before"] * 3, 0),
        (["drop_after"] * 3, 1),
        (["409"] * 3, 0),
        (["429"], 0),
        (["500"] * 3, 0),
        (["cut"], 1),
    ],
)
def test_checkout_when_stripe_does_not_answer(
    buy: Callable[[], Payment], kinds: list[str], sessions: int
) -> None:
    stripe.fault("sessions", *kinds)
    with pytest.raises(checkout.StripeUnavailable):
        buy()
    payment = Payment.objects.get()
    assert (payment.status, payment.session_id) == ("pending", None)
    assert len(stripe.all_of("checkout.session")) == sessions
    payment = checkout.open_checkout(payment)
    assert [one["id"] for one in stripe.all_of("checkout.session")] == [payment.session_id]


def test_checkout_that_is_refused_has_failed(
    till: ServerThread, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "SESSION_LIFETIME", timedelta(hours=25))
    with pytest.raises(checkout.StripeUnavailable, match="could not be prepared"):
        checkout.create(alice, "trial")
    payment = Payment.objects.get()
    assert (payment.status, payment.failure_code) == ("failed", "create_failed")
    assert stripe.all_of("checkout.session") == []


def test_checkout_is_asked_for_outside_any_transaction(
    buy: Callable[[], Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    with stripe.watched(monkeypatch) as calls:
        reconciliation.refresh(buy())
    assert [call.in_transaction for call in calls] == [False, False]


def test_checkout_order_is_what_the_sdk_describes(carol: User) -> None:
    order = checkout.session_parameters(told.order(carol))
    assert check_params("checkout.session", order) == []
    assert order["line_items"][0]["price_data"]["unit_amount"] == 990


def test_checkout_order_is_the_same_for_the_same_payment(carol: User) -> None:
    payment = told.order(carol)
    first = checkout.session_parameters(payment)
    assert checkout.session_parameters(told.now_of(payment)) == first


OURS = "https://firstlight.example"
FRONT = "https://studio.example:8443"


@pytest.mark.parametrize("url", ["", f"{OURS}/billing/", f"{FRONT}/a?b=c#d", OURS])
def test_return_url_of_ours(settings: LazySettings, url: str) -> None:
    settings.BASE_URL, settings.FRONTEND_ORIGINS = OURS, [FRONT]
    checkout.check_return_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/billing/",
        "https:///evil.example",
        "https://evil.example/",
        f"{OURS}.evil.example/",
        f"{OURS}:444/",
        f"{OURS}@evil.example/",
        "https://me@firstlight.example/",
        "http://firstlight.example/",
        f"{OURS}\\@evil.example/",
        f"{OURS}/\\evil.example",
        "https://[evil/",
        "https://studio.example/",
        "\thttps://firstlight.example/",
        f"{OURS}/\r\nSet-Cookie: a=b",
    ],
)
def test_return_url_of_others(settings: LazySettings, carol: User, url: str) -> None:
    settings.BASE_URL, settings.FRONTEND_ORIGINS = OURS, [FRONT]
    with pytest.raises(checkout.BadReturnUrl):
        checkout.create(carol, "trial", url)
    assert Payment.objects.count() == 0


@pytest.mark.parametrize(
    ("method", "url", "given"),
    [
        ("post", "/v1/checkout/sessions", {"payment_method_types": ["card"]}),
        ("post", "/v1/checkout/sessions", {"line_items": [{"price_data": {"curency": "cny"}}]}),
        ("post", "/v1/refunds", {"payment_intent": "pi_1", "ammount": 1}),
        ("post", "/v1/refunds", {"payment_intent": "pi_1", "reason": "Broken"}),
        ("post", "/v1/refunds", {"payment_intent": "pi_1", "amount": "1"}),
        ("get", "/v1/refunds", {"intent": "pi_1"}),
        ("get", "/v1/disputes", {"status": "lost"}),
        ("get", "/v1/checkout/sessions/cs_1", {"limit": 1}),
        ("post", "/v1/charges", {"amount": 1}),
    ],
)
def test_a_parameter_stripe_does_not_know_is_noticed(
    method: str, url: str, given: dict[str, Any]
) -> None:
    assert len(check_call(method, url, given)) > 0
