"""POST /api/payments/stripe/create and /refund under an Idempotency-Key: done once."""

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
from tests.billing import stripe, told
from tests.billing.conftest import newcomer, outcomes
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


def give_back(client: APIClient, payment: Payment, key: str = "back-7", **more: Any) -> Any:
    body = {"payment_id": str(payment.pk), "reason": "Broken", **more}
    return client.post(REFUND, body, format="json", headers={"Idempotency-Key": key})


def replayed(answer: Any) -> bool:
    return bool(answer.headers.get("Idempotent-Replayed") == "true")


@pytest.fixture
def admin(staff: User) -> APIClient:
    return signed_in(staff)


@pytest.fixture
def api(stripe_server: ServerThread, api: APIClient) -> APIClient:
    """Alice's API client, and a Stripe that answers."""
    return api


# ---- buying ----


def test_the_same_key_begins_one_payment(api: APIClient) -> None:
    first, second = buy(api), buy(api)
    assert (first.status_code, second.status_code) == (200, 200)
    assert (replayed(first), replayed(second)) == (False, True)
    assert second.json() == first.json()
    assert (Payment.objects.count(), len(stripe.all_of("checkout.session"))) == (1, 1)


def test_without_a_key_every_request_is_new(api: APIClient) -> None:
    answers = [buy(api, None), buy(api, None)]
    assert [replayed(one) for one in answers] == [False, False]
    assert Payment.objects.count() == 2


def test_another_key_begins_another_payment(api: APIClient) -> None:
    assert buy(api, "a").json() != buy(api, "b").json()


def test_a_key_used_for_another_request(api: APIClient) -> None:
    buy(api)
    answer = buy(api, package="standard")
    assert (answer.status_code, answer.json()) == (409, MISMATCH)
    assert Payment.objects.count() == 1


def test_a_key_is_each_users_own(api: APIClient, stranger: APIClient) -> None:
    mine, theirs = buy(api), buy(stranger)
    assert replayed(theirs) is False
    assert mine.json() != theirs.json()


def test_a_key_is_honoured_for_a_day(api: APIClient) -> None:
    first = buy(api)
    for hours, again in ((23.99, True), (24, False), (25, True)):
        with time_machine.travel(timezone.now() + timedelta(hours=hours), tick=False):
            client = signed_in(User.objects.get(username="alice"))
            answer = buy(client)
        assert replayed(answer) is again
    assert answer.json() != first.json()
    assert Payment.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9", "a\x01b"])
def test_a_key_that_cannot_be_read(api: APIClient, key: str) -> None:
    answer = buy(api, key)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")
    assert Payment.objects.count() == 0


def test_a_key_is_not_spent_on_a_refused_request(api: APIClient) -> None:
    assert buy(api, package="gold").status_code == 400
    assert buy(api).status_code == 200


def test_a_repeat_when_the_package_is_gone_meanwhile(api: APIClient) -> None:
    first = buy(api)
    PackageOverride.objects.create(key="trial", name="x", credits=1, price_minor=1, is_active=False)
    assert buy(api).json() == first.json()


def test_a_repeat_after_a_crash_before_stripe_was_asked(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(StripeService, "_request", lambda *words, **names: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            buy(api)
    row = Payment.objects.get()
    answer = buy(api)
    assert (answer.json()["payment_id"], replayed(answer)) == (str(row.pk), True)
    [session] = stripe.all_of("checkout.session")
    assert (answer.json()["payment_url"], stripe.keys_used()) == (session["url"], [f"co:{row.pk}"])


def test_a_repeat_of_what_stripe_refused(api: APIClient) -> None:
    stripe.fault("sessions", "400", "400")
    first, second = buy(api), buy(api)
    assert (first.status_code, first.json()) == (500, second.json())
    assert (Payment.objects.count(), stripe.all_of("checkout.session")) == (1, [])


# ---- giving back ----


@pytest.fixture
def payment(stripe_server: ServerThread, carol: User) -> Payment:
    return stripe.bought(carol)


def test_the_same_key_refunds_once(admin: APIClient, payment: Payment) -> None:
    first = give_back(admin, payment, amount="3.30")
    second = give_back(admin, payment, amount=3.3)
    assert (first.status_code, first.json()) == (200, second.json())
    assert (replayed(first), replayed(second)) == (False, True)
    assert len(stripe.all_of("refund")) == 1
    assert (first.json()["credits_refunded"], credits.available(payment.user)) == (33, 67)
    assert [entry.get_change_message() for entry in LogEntry.objects.all()] == [
        "refund of 3.3 CNY: Broken"
    ]


def test_the_same_key_repeats_a_refund_of_everything(admin: APIClient, payment: Payment) -> None:
    first, second = give_back(admin, payment), give_back(admin, payment)
    assert (second.status_code, second.json()) == (200, first.json())
    assert give_back(admin, payment, "another").status_code == 400


@pytest.mark.parametrize("change", [{"amount": "3.31"}, {"reason": "Other"}, {"payment_id": "x"}])
def test_a_refund_key_used_for_another_request(
    admin: APIClient, payment: Payment, change: dict[str, str]
) -> None:
    give_back(admin, payment, amount="3.30")
    if "payment_id" in change:
        change = {"payment_id": str(stripe.bought(newcomer("dora")).pk)}
    answer = give_back(admin, payment, **{"amount": "3.30", **change})
    assert (answer.status_code, answer.json()) == (409, MISMATCH)
    assert Refund.objects.count() == 1


def test_a_refund_key_is_each_members_of_staff_own(admin: APIClient, payment: Payment) -> None:
    other = signed_in(create_user("other", is_staff=True))
    answers = [give_back(one, payment, amount="3.30") for one in (admin, other)]
    assert ([replayed(one) for one in answers], Refund.objects.count()) == ([False, False], 2)


# ---- at the same moment ----


@pytest.fixture
def many(transactional_db: None) -> Callable[[Callable[[], Any]], list[Any]]:
    return lambda call: outcomes([call] * 50)


def test_fifty_at_once_begin_one_payment(
    till: ServerThread, many: Callable[[Callable[[], Any]], list[Any]]
) -> None:
    token = tokens.sign_in(create_user("alice"), Session.Grant.PASSWORD).access

    def post() -> Any:
        mine = APIClient()
        mine.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return buy(mine)

    answers = many(post)
    assert [one.status_code for one in answers] == [200] * 50
    assert {one.content for one in answers} == {answers[0].content}
    assert sorted(map(replayed, answers)) == [False] + [True] * 49
    assert (Payment.objects.count(), len(stripe.all_of("checkout.session"))) == (1, 1)


def test_fifty_at_once_refund_once(
    till: ServerThread, many: Callable[[Callable[[], Any]], list[Any]]
) -> None:
    payment = stripe.pay(checkout.create(newcomer("erin"), "trial"))
    boss = create_user("boss", is_staff=True)
    order = partial(refunds.RefundRequest, 330, Refund.Source.API, "", boss)
    key = RequestKey(boss.pk, "key", "print")
    results = many(lambda: refunds.refund_once(payment, order(), key))
    assert {outcome.result.pk for outcome in results} == {Refund.objects.get().pk}
    assert sorted(outcome.is_replay for outcome in results) == [False] + [True] * 49
    assert told.standing(payment) == told.Standing("partial_refunded", 330, 67, 0, 33, 1)
    assert len(stripe.all_of("refund")) == 1
    assert invariants.problems() == []
