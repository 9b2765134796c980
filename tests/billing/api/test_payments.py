"""The payment API: packages, purchases, payments, and refunds by staff."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from billing.models import PackageOverride, Payment, Refund
from tests.billing import payment_events, stripe_sandbox
from tests.conftest import ServerThread, signed_in

CREATE = "/api/payments/stripe/create"
REFUND = "/api/payments/stripe/refund"
MISSING = {"detail": "Resource not found"}


pytestmark = pytest.mark.usefixtures("stripe_server")


@pytest.fixture
def admin(staff: User) -> APIClient:
    return signed_in(staff)


# ---- packages ----


@pytest.mark.usefixtures("db")
def test_packages_are_the_documented_ones(anonymous: APIClient) -> None:
    answer = anonymous.get("/api/payments/packages")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "packages": {
                "trial": {
                    "name": "Trial Pack",
                    "credits": 100,
                    "price": 9.9,
                    "currency": "CNY",
                    "unit_price": 0.099,
                },
                "standard": {
                    "name": "Standard Pack",
                    "credits": 500,
                    "price": 49.0,
                    "currency": "CNY",
                    "unit_price": 0.098,
                },
                "value": {
                    "name": "Value Pack",
                    "credits": 1200,
                    "price": 99.0,
                    "currency": "CNY",
                    "unit_price": 0.0825,
                },
                "premium": {
                    "name": "Premium Pack",
                    "credits": 3000,
                    "price": 199.0,
                    "currency": "CNY",
                    "unit_price": 0.0663,
                },
            },
            "credit_value_rmb": 0.1,
        },
    )


@pytest.mark.usefixtures("db")
def test_packages_are_answered_when_the_token_has_expired(anonymous: APIClient) -> None:
    anonymous.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert anonymous.get("/api/payments/packages").status_code == 200


@pytest.mark.usefixtures("db")
def test_packages_take_one_query(
    anonymous: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        anonymous.get("/api/payments/packages")


# ---- purchases ----


def test_create_payment_answers_the_documented_body(api: APIClient) -> None:
    answer = api.post(CREATE, {"package": "standard"}, format="json")
    payment = Payment.objects.get()
    [session] = stripe_sandbox.list_objects("checkout.session")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "payment_id": str(payment.pk),
            "status": "pending",
            "amount": 49.0,
            "currency": "CNY",
            "credits_purchased": 500,
            "payment_url": session["url"],
        },
    )
    assert (session["amount_total"], session["currency"]) == (4900, "cny")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"package": None}, 422),
        ({"package": ["trial"]}, 422),
        ({"package": {"key": "trial"}}, 422),
        ({"package": True}, 422),
        ({"package": ""}, 422),
        ({"package": "x" * 41}, 422),
        ({"package": "gold"}, 400),
        ({"package": "Trial"}, 400),
        ({"package": 5}, 422),
        ({"package": "trial", "return_url": "javascript:alert(1)"}, 400),
        ({"package": "trial", "return_url": ["http://a"]}, 422),
        ({"package": "trial", "return_url": "x" * 501}, 422),
    ],
)
def test_create_payment_is_refused_when_the_body_is_invalid(
    api: APIClient, body: dict[str, Any], status: int
) -> None:
    assert api.post(CREATE, body, format="json").status_code == status
    assert (Payment.objects.count(), stripe_sandbox.list_objects("checkout.session")) == (0, [])


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'{"package":"trial"} x'])
def test_create_payment_is_refused_when_the_body_is_no_object(api: APIClient, body: bytes) -> None:
    answer = api.post(CREATE, body, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert (Payment.objects.count(), stripe_sandbox.list_objects("checkout.session")) == (0, [])


def test_create_payment_names_the_package_when_it_is_unknown(api: APIClient) -> None:
    answer = api.post(CREATE, {"package": "gold"}, format="json")
    assert answer.json() == {"detail": "Invalid package: gold", "code": "unknown_package"}


def test_create_payment_is_500_when_stripe_does_not_answer(
    api: APIClient, settings: LazySettings
) -> None:
    stripe_sandbox.fail_next_calls("sessions", *["drop_before"] * 3)
    answer = api.post(CREATE, {"package": "trial"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (500, "payment_unreachable")
    assert settings.STRIPE_SECRET_KEY not in answer.content.decode()
    assert settings.STRIPE_API_BASE not in answer.content.decode()
    assert Payment.objects.get().status == "pending"


# ---- reading payments ----


def test_payment_is_shown_to_its_owner(api: APIClient, alice: User) -> None:
    payment = payment_events.create_payment(alice, payment_url="https://checkout.example/1")
    payment_events.deliver(payment_events.checkout_completed(payment))
    payment = payment_events.reload(payment)
    assert api.get(f"/api/payments/{payment.pk}").json() == {
        "payment_id": str(payment.pk),
        "status": "succeeded",
        "amount": 9.9,
        "currency": "CNY",
        "credits_purchased": 100,
        "payment_url": "https://checkout.example/1",
        "created_at": _iso(payment.created_at),
        "paid_at": _iso(payment.paid_at),
    }


def _iso(at: Any) -> str:
    return str(at.strftime("%Y-%m-%dT%H:%M:%SZ"))


@pytest.mark.parametrize(
    ("tell", "status"),
    [
        (lambda p: [], "pending"),
        (lambda p: [payment_events.checkout_completed(p)], "succeeded"),
        (lambda p: [payment_events.checkout_expired(p)], "failed"),
        (
            lambda p: [payment_events.checkout_completed(p), payment_events.refund_event(p, 990)],
            "refunded",
        ),
        (
            lambda p: [payment_events.checkout_completed(p), payment_events.refund_event(p, 1)],
            "partial_refunded",
        ),
    ],
)
def test_payment_shows_the_documented_status(
    api: APIClient,
    alice: User,
    tell: Callable[[Payment], list[payment_events.StripeJson]],
    status: str,
) -> None:
    payment = payment_events.create_payment(alice)
    payment_events.deliver(*tell(payment))
    assert api.get(f"/api/payments/{payment.pk}").json()["status"] == status


def test_payment_is_404_when_it_belongs_to_another_user(alice: User, stranger: APIClient) -> None:
    payment = payment_events.create_payment(alice, payment_url="https://checkout.example/1")
    theirs, nobodys = (stranger.get(f"/api/payments/{pk}") for pk in (payment.pk, uuid4()))
    assert (theirs.status_code, theirs.json()) == (404, MISSING)
    assert theirs.content == nobodys.content
    assert stranger.get("/api/payments").json()["payments"] == []


@pytest.mark.parametrize("word", ["1", "x", "null", "..", "%00"])
def test_payment_is_404_when_its_id_is_no_uuid(api: APIClient, word: str) -> None:
    answer = api.get(f"/api/payments/{word}")
    assert (answer.status_code, answer.json()) == (404, MISSING)


def test_payments_list_the_newest_first(api: APIClient, alice: User) -> None:
    made = [payment_events.create_payment(alice, created_at=timezone.now()) for _ in range(3)]
    body = api.get("/api/payments", {"page_size": 2}).json()
    assert (body["total"], body["page"], body["page_size"]) == (3, 1, 2)
    shown = [row["payment_id"] for row in body["payments"]]
    assert shown == [str(made[2].pk), str(made[1].pk)]
    assert api.get("/api/payments", {"page": 9}).json()["payments"] == []


@pytest.mark.parametrize("query", ["page=0", "page=x", "page_size=0", "page_size=101"])
def test_payments_are_422_when_the_query_is_invalid(api: APIClient, query: str) -> None:
    assert api.get(f"/api/payments?{query}").status_code == 422


def test_payments_take_the_same_queries_for_any_number(
    api: APIClient, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    payment_events.create_payment(alice)
    with django_assert_num_queries(3) as few:
        api.get("/api/payments")
    for _ in range(9):
        payment_events.create_payment(alice)
    with django_assert_num_queries(len(few)):
        api.get("/api/payments")


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/payments"),
        ("get", "/api/payments/7e6f3a52-9c1b-4b7e-8a9e-0c8de47c94aa"),
        ("post", CREATE),
        ("post", REFUND),
    ],
)
def test_payments_api_is_401_when_anonymous(anonymous: APIClient, method: str, path: str) -> None:
    answer = getattr(anonymous, method)(path)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


# ---- refunds ----


def test_refund_answers_the_documented_body(admin: APIClient, alice: User) -> None:
    payment = stripe_sandbox.create_paid_payment(alice, "standard")
    answer = admin.post(f"{REFUND}?payment_id={payment.pk}&reason=Sorry")
    [refund] = stripe_sandbox.list_objects("refund")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "success": True,
            "refund_id": refund["id"],
            "amount": 49.0,
            "credits_refunded": 500,
            "status": "succeeded",
            "message": "Refund processed successfully",
        },
    )
    assert (refund["amount"], refund["metadata"]["reason"]) == (4900, "Sorry")
    row = Refund.objects.get()
    assert (row.source, row.actor, row.reason) == (
        "api",
        User.objects.get(username="staff"),
        "Sorry",
    )
    assert credits.available(alice) == 100


def test_refund_returns_a_part_when_an_amount_is_given(admin: APIClient, alice: User) -> None:
    payment = stripe_sandbox.create_paid_payment(alice)
    seen = []
    for _ in range(3):
        body = admin.post(f"{REFUND}?payment_id={payment.pk}&amount=3.30").json()
        seen.append((body["amount"], body["credits_refunded"]))
    assert seen == [(3.3, 33), (3.3, 33), (3.3, 34)]
    assert payment_events.reload(payment).status == "refunded"


def test_refund_reads_its_parameters_from_the_body(admin: APIClient, alice: User) -> None:
    payment = stripe_sandbox.create_paid_payment(alice)
    body = {"payment_id": str(payment.pk), "amount": "0.29"}
    assert admin.post(REFUND, body, format="json").json()["amount"] == 0.29
    assert [one["amount"] for one in stripe_sandbox.list_objects("refund")] == [29]


def test_refund_is_403_when_the_user_is_not_staff(api: APIClient, alice: User) -> None:
    payment = stripe_sandbox.create_paid_payment(alice)
    for pk in (payment.pk, uuid4(), "x"):
        answer = api.post(f"{REFUND}?payment_id={pk}")
        assert (answer.status_code, answer.json()) == (
            403,
            {"detail": "Only administrators can issue refunds"},
        )
    assert stripe_sandbox.list_objects("refund") == []


def test_refund_is_404_when_the_payment_is_unknown(admin: APIClient) -> None:
    answer = admin.post(f"{REFUND}?payment_id={uuid4()}")
    assert (answer.status_code, answer.json()) == (404, MISSING)


@pytest.mark.parametrize("amount", ["9.91", "1000000"])
def test_refund_is_400_when_the_amount_is_too_large(
    admin: APIClient, alice: User, amount: str
) -> None:
    payment = stripe_sandbox.create_paid_payment(alice)
    answer = admin.post(f"{REFUND}?payment_id={payment.pk}&amount={amount}")
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "Cannot refund payment with current status",
    )
    assert stripe_sandbox.list_objects("refund") == []


@pytest.mark.parametrize(
    "tell",
    [
        payment_events.checkout_expired,
        lambda p: payment_events.checkout_completed(p, amount_total=1),
    ],
)
def test_refund_is_400_when_the_payment_was_not_paid(
    admin: APIClient, alice: User, tell: Callable[[Payment], payment_events.StripeJson]
) -> None:
    payment = payment_events.create_payment(alice)
    for _ in range(2):
        answer = admin.post(f"{REFUND}?payment_id={payment.pk}")
        assert (answer.status_code, answer.json()["detail"]) == (
            400,
            "Cannot refund payment with current status",
        )
        payment_events.deliver(tell(payment))


def test_refund_is_400_when_the_payment_was_refunded_before(admin: APIClient, alice: User) -> None:
    payment = stripe_sandbox.create_paid_payment(alice)
    codes = [admin.post(f"{REFUND}?payment_id={payment.pk}").status_code for _ in range(2)]
    assert (codes, len(stripe_sandbox.list_objects("refund"))) == ([200, 400], 1)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "payment_id=",
        "payment_id=x",
        "payment_id={pk}&amount=",
        "payment_id={pk}&amount=0",
        "payment_id={pk}&amount=-1",
        "payment_id={pk}&amount=0.001",
        "payment_id={pk}&amount=NaN",
        "payment_id={pk}&amount=Infinity",
        "payment_id={pk}&amount=x",
        "payment_id={pk}&amount=１２",
        "payment_id={pk}&amount=1e-1",
        "payment_id={pk}&amount=1_0",
        "payment_id={pk}&amount=+1",
        "payment_id={pk}&amount=%201%20",
        "payment_id={pk}&amount=9.900",
        "payment_id={pk}&reason=" + "x" * 501,
    ],
)
def test_refund_is_422_when_the_query_is_invalid(admin: APIClient, alice: User, query: str) -> None:
    payment = stripe_sandbox.create_paid_payment(alice)
    assert admin.post(f"{REFUND}?{query.replace('{pk}', str(payment.pk))}").status_code == 422
    assert (stripe_sandbox.list_objects("refund"), credits.available(alice)) == ([], 200)


@pytest.mark.parametrize("amount", [True, None, [1], {"a": 1}, "9.9 ", 1e-05, 9.999, -1, 0])
def test_refund_is_422_when_the_amount_of_the_body_is_invalid(
    admin: APIClient, alice: User, amount: object
) -> None:
    payment = stripe_sandbox.create_paid_payment(alice)
    body = {"payment_id": str(payment.pk), "amount": amount}
    assert admin.post(REFUND, body, format="json").status_code == 422
    assert (stripe_sandbox.list_objects("refund"), credits.available(alice)) == ([], 200)


@pytest.mark.parametrize(("amount", "minor"), [(3, 300), (3.3, 330), (3.0, 300), ("3.30", 330)])
def test_refund_takes_numbers_and_texts_as_amounts(
    admin: APIClient, alice: User, amount: object, minor: int
) -> None:
    payment = stripe_sandbox.create_paid_payment(alice)
    admin.post(REFUND, {"payment_id": str(payment.pk), "amount": amount}, format="json")
    assert [one["amount"] for one in stripe_sandbox.list_objects("refund")] == [minor]


def test_refund_gives_the_credits_back_when_stripe_refuses_it(
    admin: APIClient, alice: User
) -> None:
    payment = stripe_sandbox.create_paid_payment(alice)
    stripe_sandbox.advance_dispute(stripe_sandbox.open_dispute(payment), "lose")
    body = admin.post(f"{REFUND}?payment_id={payment.pk}").json()
    assert (body["success"], body["status"], body["credits_refunded"]) == (False, "failed", 0)
    assert credits.available(alice) == 200


def test_refund_uses_whole_units_when_the_currency_has_no_cents(
    admin: APIClient, alice: User
) -> None:
    PackageOverride.objects.create(
        key="yen", name="Yen", credits=100, price_minor=500, currency="JPY"
    )
    payment = stripe_sandbox.create_paid_payment(alice, "yen")
    query = f"{REFUND}?payment_id={payment.pk}&amount="
    assert admin.post(f"{query}0.50").status_code == 422
    assert admin.post(f"{query}100.70").json() == {
        "detail": [
            {
                "loc": ["body", "amount"],
                "msg": "Write the amount with digits and without decimals, such as 100.",
                "type": "value_error.invalid",
            }
        ]
    }
    assert admin.post(f"{query}100").json()["amount"] == 100.0
    assert [one["amount"] for one in stripe_sandbox.list_objects("refund")] == [100]


def test_payments_api_works_with_the_sandbox_stripe(
    live_stripe: ServerThread, alice: User, staff: User, settings: LazySettings
) -> None:
    """Buy, pay and refund, all over HTTP."""
    mine, theirs = signed_in(alice), signed_in(staff)
    made = mine.post(CREATE, {"package": "trial"}, format="json").json()
    assert made["payment_url"].startswith(f"{live_stripe.url}/sandbox/stripe/c/pay/")
    stripe_sandbox.pay(Payment.objects.get())
    assert mine.get(f"/api/payments/{made['payment_id']}").json()["status"] == "succeeded"
    assert mine.get("/api/users/credits").json()["credits"] == 200
    body = theirs.post(f"{REFUND}?payment_id={made['payment_id']}&amount=4.95").json()
    assert (body["success"], body["credits_refunded"]) == (True, 50)
    assert mine.get("/api/users/credits").json()["credits"] == 150
    row = mine.get("/api/users/credits/transactions").json()["transactions"][0]
    assert (row["transaction_type"], row["amount"], row["payment_order_id"]) == (
        "refunded",
        -50,
        made["payment_id"],
    )
