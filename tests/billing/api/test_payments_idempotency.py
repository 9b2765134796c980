"""Payments and refunds over the API with an Idempotency-Key are made once."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from rest_framework.test import APIClient
from stripe._stripe_service import StripeService

from accounts.auth import tokens
from accounts.models import Session, User
from billing.ledger import credits, invariants
from billing.models import PackageOverride, Payment, Refund
from billing.payments import checkout, refunds
from config.lib.idempotency import RequestKey
from tests.billing import payment_events, stripe_sandbox
from tests.billing.conftest import create_user_without_credits
from tests.concurrency import run_concurrently
from tests.conftest import ServerThread, create_user, signed_in

CREATE = "/api/payments/stripe/create"
REFUND = "/api/payments/stripe/refund"
MISMATCH = {
    "detail": "This Idempotency-Key was used for another request.",
    "code": "idempotency_mismatch",
}


def buy(client: APIClient, key: str | None = "order-7", package: Any = "trial") -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(CREATE, {"package": package}, format="json", headers=headers)


def refund(client: APIClient, payment: Payment, key: str = "back-7", **more: Any) -> Any:
    body = {"payment_id": str(payment.pk), "reason": "Broken", **more}
    return client.post(REFUND, body, format="json", headers={"Idempotency-Key": key})


def is_replay(answer: Any) -> bool:
    return bool(answer.headers.get("Idempotent-Replayed") == "true")


@pytest.fixture
def admin(staff: User) -> APIClient:
    return signed_in(staff)


@pytest.fixture
def api(stripe_server: ServerThread, api: APIClient) -> APIClient:
    """Alice's API client, and a Stripe that answers."""
    return api


# ---- purchases ----


def test_create_payment_begins_one_payment_when_the_key_is_repeated(api: APIClient) -> None:
    first, second = buy(api), buy(api)
    assert (first.status_code, second.status_code) == (200, 200)
    assert (is_replay(first), is_replay(second)) == (False, True)
    assert second.json() == first.json()
    assert (Payment.objects.count(), len(stripe_sandbox.list_objects("checkout.session"))) == (1, 1)


def test_create_payment_begins_a_payment_each_time_when_there_is_no_key(api: APIClient) -> None:
    answers = [buy(api, None), buy(api, None)]
    assert [is_replay(one) for one in answers] == [False, False]
    assert Payment.objects.count() == 2


def test_create_payment_begins_another_payment_when_the_key_differs(api: APIClient) -> None:
    assert buy(api, "a").json() != buy(api, "b").json()


def test_create_payment_is_409_when_the_key_was_used_for_another_request(api: APIClient) -> None:
    buy(api)
    answer = buy(api, package="standard")
    assert (answer.status_code, answer.json()) == (409, MISMATCH)
    assert Payment.objects.count() == 1


def test_create_payment_begins_another_payment_when_another_user_sends_the_key(
    api: APIClient, stranger: APIClient
) -> None:
    mine, theirs = buy(api), buy(stranger)
    assert is_replay(theirs) is False
    assert mine.json() != theirs.json()


def test_create_payment_begins_another_payment_when_the_key_is_a_day_old(api: APIClient) -> None:
    first = buy(api)
    for hours, again in ((23.99, True), (24, False), (25, True)):
        with time_machine.travel(timezone.now() + timedelta(hours=hours), tick=False):
            client = signed_in(User.objects.get(username="alice"))
            answer = buy(client)
        assert is_replay(answer) is again
    assert answer.json() != first.json()
    assert Payment.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9", "a\x01b"])
def test_create_payment_is_400_when_the_key_is_invalid(api: APIClient, key: str) -> None:
    answer = buy(api, key)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")
    assert Payment.objects.count() == 0


def test_create_payment_accepts_the_key_when_the_first_request_was_refused(api: APIClient) -> None:
    assert buy(api, package="gold").status_code == 400
    assert buy(api).status_code == 200


def test_create_payment_repeats_the_answer_when_the_package_was_withdrawn(api: APIClient) -> None:
    first = buy(api)
    PackageOverride.objects.create(key="trial", name="x", credits=1, price_minor=1, is_active=False)
    assert buy(api).json() == first.json()


def test_create_payment_opens_the_checkout_when_the_first_request_crashed(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(StripeService, "_request", lambda *words, **names: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            buy(api)
    row = Payment.objects.get()
    answer = buy(api)
    assert (answer.json()["payment_id"], is_replay(answer)) == (str(row.pk), True)
    [session] = stripe_sandbox.list_objects("checkout.session")
    assert (answer.json()["payment_url"], stripe_sandbox.used_idempotency_keys()) == (
        session["url"],
        [f"co:{row.pk}"],
    )


def test_create_payment_repeats_the_error_when_stripe_refused(api: APIClient) -> None:
    stripe_sandbox.fail_next_calls("sessions", "400", "400")
    first, second = buy(api), buy(api)
    assert (first.status_code, first.json()) == (500, second.json())
    assert (Payment.objects.count(), stripe_sandbox.list_objects("checkout.session")) == (1, [])


# ---- refunds ----


@pytest.fixture
def payment(stripe_server: ServerThread, carol: User) -> Payment:
    return stripe_sandbox.create_paid_payment(carol)


def test_refund_is_made_once_when_the_key_is_repeated(admin: APIClient, payment: Payment) -> None:
    first = refund(admin, payment, amount="3.30")
    second = refund(admin, payment, amount=3.3)
    assert (first.status_code, first.json()) == (200, second.json())
    assert (is_replay(first), is_replay(second)) == (False, True)
    assert len(stripe_sandbox.list_objects("refund")) == 1
    assert (first.json()["credits_refunded"], credits.available(payment.user)) == (33, 67)
    assert [entry.get_change_message() for entry in LogEntry.objects.all()] == [
        "refund of 3.3 CNY: Broken"
    ]


def test_refund_repeats_the_answer_when_all_was_refunded(
    admin: APIClient, payment: Payment
) -> None:
    first, second = refund(admin, payment), refund(admin, payment)
    assert (second.status_code, second.json()) == (200, first.json())
    assert refund(admin, payment, "another").status_code == 400


@pytest.mark.parametrize("change", [{"amount": "3.31"}, {"reason": "Other"}, {"payment_id": "x"}])
def test_refund_is_409_when_the_key_was_used_for_another_request(
    admin: APIClient, payment: Payment, change: dict[str, str]
) -> None:
    refund(admin, payment, amount="3.30")
    if "payment_id" in change:
        change = {
            "payment_id": str(
                stripe_sandbox.create_paid_payment(create_user_without_credits("dora")).pk
            )
        }
    answer = refund(admin, payment, **{"amount": "3.30", **change})
    assert (answer.status_code, answer.json()) == (409, MISMATCH)
    assert Refund.objects.count() == 1


def test_refund_is_made_again_when_another_member_of_staff_sends_the_key(
    admin: APIClient, payment: Payment
) -> None:
    other = signed_in(create_user("other", is_staff=True, is_superuser=True))
    answers = [refund(one, payment, amount="3.30") for one in (admin, other)]
    assert ([is_replay(one) for one in answers], Refund.objects.count()) == ([False, False], 2)


# ---- concurrent requests ----


@pytest.fixture
def many(transactional_db: None) -> Callable[[Callable[[], Any]], list[Any]]:
    return lambda call: run_concurrently([call] * 50)


def test_create_payment_begins_one_payment_when_fifty_requests_share_a_key(
    live_stripe: ServerThread, many: Callable[[Callable[[], Any]], list[Any]]
) -> None:
    token = tokens.sign_in(create_user("alice"), Session.Grant.PASSWORD).access

    def post() -> Any:
        mine = APIClient()
        mine.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return buy(mine)

    answers = many(post)
    assert [one.status_code for one in answers] == [200] * 50
    assert {one.content for one in answers} == {answers[0].content}
    assert sorted(map(is_replay, answers)) == [False] + [True] * 49
    assert (Payment.objects.count(), len(stripe_sandbox.list_objects("checkout.session"))) == (1, 1)


def test_refund_is_made_once_when_fifty_requests_share_a_key(
    live_stripe: ServerThread, many: Callable[[Callable[[], Any]], list[Any]]
) -> None:
    payment = stripe_sandbox.pay(checkout.create(create_user_without_credits("erin"), "trial"))
    boss = create_user("boss", is_staff=True)
    order = partial(refunds.RefundRequest, 330, Refund.Source.API, "", boss)
    key = RequestKey(boss.pk, "key", "print")
    results = many(lambda: refunds.refund_once(payment, order(), key))
    assert {outcome.result.pk for outcome in results} == {Refund.objects.get().pk}
    assert sorted(outcome.is_replay for outcome in results) == [False] + [True] * 49
    assert payment_events.payment_state(payment) == payment_events.PaymentState(
        "partial_refunded", 330, 67, 0, 33, 1
    )
    assert len(stripe_sandbox.list_objects("refund")) == 1
    assert invariants.problems() == []
