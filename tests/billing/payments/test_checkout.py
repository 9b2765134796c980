"""Purchases against the sandbox Stripe, over real HTTP."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import User
from billing.ledger import credits as ledger_credits
from billing.ledger import invariants
from billing.models import Payment, Refund, StripeEvent
from billing.payments import checkout, reconciliation, refunds, stripe_client
from billing.sandbox import webhooks
from tests.billing import payment_events, stripe_sandbox
from tests.billing.conftest import entries_of
from tests.conftest import ServerThread
from tests.verification.sandbox_stripe.sdk_shapes import check_call, check_params


@pytest.fixture
def buy(live_stripe: ServerThread, alice: User) -> Callable[[], Payment]:
    return lambda: checkout.create(alice, "trial")


def test_payment_is_pending_when_the_purchase_begins(
    live_stripe: ServerThread, alice: User
) -> None:
    payment = checkout.create(alice, "standard")
    assert (payment.status, payment.amount_minor, payment.currency) == ("pending", 4900, "CNY")
    assert payment.payment_url.startswith(f"{live_stripe.url}/sandbox/stripe/c/pay/")
    session = stripe_client.get_session(payment.session_id or "")
    assert (session["amount_total"], session["currency"]) == (4900, "cny")
    assert session["payment_status"] == "unpaid"
    assert ledger_credits.available(alice) == 100
    assert invariants.problems() == []


@pytest.mark.parametrize(
    ("percent", "stated"), [(0, (None, None)), (Decimal("7.5"), ("GST", Decimal("7.5")))]
)
def test_payment_keeps_the_tax_that_the_seller_states_when_it_begins(
    buy: Callable[[], Payment], settings: LazySettings, percent: Decimal, stated: Any
) -> None:
    settings.TAX_PERCENT, settings.TAX_NAME = percent, "GST"
    payment = Payment.objects.get(pk=buy().pk)
    assert (payment.tax_name, payment.tax_percent) == stated


def test_payment_succeeds_when_the_payer_pays(buy: Callable[[], Payment], alice: User) -> None:
    payment = stripe_sandbox.pay(buy())
    assert (payment.status, payment.is_paid, payment.review_reason) == ("succeeded", True, "")
    assert entries_of(alice) == [("bonus", 100), ("purchased", 100)]
    states = set(StripeEvent.objects.values_list("state", flat=True))
    assert states == {"done", "ignored"}
    assert invariants.problems() == []


@pytest.mark.parametrize(
    ("outcome", "status", "credits"),
    [("decline", "pending", 100), ("later", "succeeded", 200), ("later-fail", "failed", 100)],
)
def test_payment_ends_as_the_payer_chooses_when_not_paid_at_once(
    buy: Callable[[], Payment], alice: User, outcome: Any, status: str, credits: int
) -> None:
    assert stripe_sandbox.pay(buy(), outcome).status == status
    assert ledger_credits.available(alice) == credits


@pytest.mark.parametrize("word", ["twice", "shuffled", "late"])
def test_payment_state_is_right_when_events_are_repeated_or_shuffled(
    buy: Callable[[], Payment], alice: User, word: str
) -> None:
    payment = stripe_sandbox.pay(buy(), email=f"anna+{word}@example.com")
    refunds.refund(payment, 330, source=Refund.Source.ADMIN)
    for _ in range(2):
        webhooks.resend(
            [event["id"] for event in stripe_sandbox.list_objects("event")], copies=2, shuffled=True
        )
        stripe_sandbox.deliver_events()
    assert payment_events.payment_state(payment) == payment_events.PaymentState(
        "partial_refunded", 330, 167, 0, 33, 1
    )


def test_credits_return_when_a_dispute_is_won(buy: Callable[[], Payment], alice: User) -> None:
    payment = stripe_sandbox.pay(buy())
    dispute = stripe_sandbox.open_dispute(payment)
    stripe_sandbox.deliver_events()
    assert ledger_credits.available(alice) == 100
    stripe_sandbox.advance_dispute(dispute, "win")
    stripe_sandbox.deliver_events()
    assert ledger_credits.available(alice) == 200


def test_credits_are_clawed_back_when_refunded_in_the_dashboard(
    buy: Callable[[], Payment], alice: User
) -> None:
    payment = stripe_sandbox.pay(buy())
    stripe_sandbox.refund_in_dashboard(payment, 330)
    stripe_sandbox.deliver_events()
    assert payment_events.payment_state(payment) == payment_events.PaymentState(
        "partial_refunded", 330, 167, 0, 33, 1
    )


def test_checkout_has_one_session_when_opened_twice(buy: Callable[[], Payment]) -> None:
    payment = buy()
    before = (payment.session_id, payment.payment_url)
    again = checkout.open_checkout(payment)
    assert (again.session_id, again.payment_url) == before
    assert len(stripe_sandbox.list_objects("checkout.session")) == 1


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "409", "500"])
def test_checkout_opens_when_stripe_fails_once(buy: Callable[[], Payment], kind: str) -> None:
    stripe_sandbox.fail_next_calls("sessions", kind)
    payment = buy()
    assert [one["id"] for one in stripe_sandbox.list_objects("checkout.session")] == [
        payment.session_id
    ]


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
def test_checkout_stays_pending_when_stripe_does_not_answer(
    buy: Callable[[], Payment], kinds: list[str], sessions: int
) -> None:
    stripe_sandbox.fail_next_calls("sessions", *kinds)
    with pytest.raises(checkout.StripeUnavailable):
        buy()
    payment = Payment.objects.get()
    assert (payment.status, payment.session_id) == ("pending", None)
    assert len(stripe_sandbox.list_objects("checkout.session")) == sessions
    payment = checkout.open_checkout(payment)
    assert [one["id"] for one in stripe_sandbox.list_objects("checkout.session")] == [
        payment.session_id
    ]


def test_payment_fails_when_stripe_refuses_the_checkout(
    live_stripe: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.CHECKOUT_LIFETIME = timedelta(hours=25)
    with pytest.raises(checkout.StripeUnavailable, match="could not be prepared"):
        checkout.create(alice, "trial")
    payment = Payment.objects.get()
    assert (payment.status, payment.failure_code) == ("failed", "create_failed")
    assert stripe_sandbox.list_objects("checkout.session") == []


def test_stripe_is_called_outside_transactions_when_a_checkout_opens(
    buy: Callable[[], Payment], monkeypatch: pytest.MonkeyPatch
) -> None:
    with stripe_sandbox.record_calls(monkeypatch) as calls:
        reconciliation.refresh(buy())
    assert [call.in_transaction for call in calls] == [False, False]


def test_session_parameters_match_the_sdk_when_a_payment_begins(carol: User) -> None:
    order = checkout.session_parameters(payment_events.create_payment(carol))
    assert check_params("checkout.session", order) == []
    assert order["line_items"][0]["price_data"]["unit_amount"] == 990


def test_session_parameters_are_equal_when_built_twice(carol: User) -> None:
    payment = payment_events.create_payment(carol)
    first = checkout.session_parameters(payment)
    assert checkout.session_parameters(payment_events.reload(payment)) == first


OURS = "https://firstlight.example"
FRONT = "https://studio.example:8443"


@pytest.mark.parametrize("url", ["", f"{OURS}/billing/", f"{FRONT}/a?b=c#d", OURS])
def test_return_url_is_accepted_when_its_origin_is_ours(settings: LazySettings, url: str) -> None:
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
def test_return_url_is_refused_when_its_origin_is_not_ours(
    settings: LazySettings, carol: User, url: str
) -> None:
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
def test_call_check_reports_a_parameter_when_the_sdk_does_not_know_it(
    method: str, url: str, given: dict[str, Any]
) -> None:
    assert len(check_call(method, url, given)) > 0
