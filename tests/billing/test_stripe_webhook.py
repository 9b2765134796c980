"""The webhook's door: only what Stripe signed, just now, and once."""

import json
import time
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from billing.ledger import invariants
from billing.models import Payment, StripeEvent
from billing.webhooks import MAX_BYTES
from tests.billing import told
from tests.billing.conftest import lines, newcomer, outcomes
from tests.statements import failing, writes

URL = "/api/payments/webhook/stripe"
YEAR = 365 * 24 * 3600


def post(body: bytes, signature: str | None = None) -> Any:
    header = told.signed(body) if signature is None else signature
    client = Client(raise_request_exception=False)
    return client.post(URL, body, content_type="application/json", HTTP_STRIPE_SIGNATURE=header)


@pytest.fixture
def payment(carol: User) -> Payment:
    return told.order(carol)


@pytest.fixture
def body(payment: Payment) -> bytes:
    return told.body_of(told.completed(payment))


def test_webhook_when_it_is_genuine(body: bytes, payment: Payment) -> None:
    answer = post(body)
    assert (answer.status_code, json.loads(answer.content)) == (200, {"received": True})
    assert told.now_of(payment).status == "succeeded"
    assert lines(payment.user) == [("purchased", 100)]
    event = StripeEvent.objects.get()
    assert (event.state, event.type, event.api_version, event.payment_intent) == (
        "done",
        "checkout.session.completed",
        "2026-10-28.endive",
        told.intent(payment),
    )


def test_webhook_when_the_secret_is_being_rotated(body: bytes) -> None:
    stamp, _, good = told.signed(body).partition(",")
    assert post(body, f"{stamp},v1={'0' * 64},{good},v0=old").status_code == 200


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_webhook_when_the_clocks_differ_a_little(body: bytes, seconds: int) -> None:
    assert post(body, told.signed(body, time.time() + seconds)).status_code == 200


@pytest.mark.parametrize("seconds", [-301, -YEAR, 303, YEAR, 10 * YEAR])
def test_webhook_when_it_is_old_or_from_the_future(body: bytes, seconds: int) -> None:
    answer = post(body, told.signed(body, time.time() + seconds))
    assert (answer.status_code, json.loads(answer.content)) == (
        400,
        {"detail": "Invalid signature"},
    )
    assert not StripeEvent.objects.exists()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        "v1=00",
        "t=,v1=",
        "t=now,v1=00",
        "t=-1,v1=00",
        "t=99999999999999999999,v1=00",
        "t=٣,v1=00",
        "t={now}",
        "t={now},v1=",
        "t={now},v1=é",
        "t={now},v0=00",
        "t={now},v1=" + "0" * 64,
        "nonsense",
    ],
)
def test_webhook_when_the_signature_is_wrong(body: bytes, payment: Payment, header: str) -> None:
    assert post(body, header.replace("{now}", str(int(time.time())))).status_code == 400
    assert told.now_of(payment).status == "pending"
    assert not StripeEvent.objects.exists()


def test_webhook_when_it_is_signed_by_somebody_else(body: bytes) -> None:
    assert post(body, told.signed(body, secret="whsec_another")).status_code == 400


def test_webhook_when_the_body_was_changed(body: bytes) -> None:
    assert post(body.replace(b"990", b"991"), told.signed(body)).status_code == 400
    assert post(body + b" ", told.signed(body)).status_code == 400


def test_webhook_when_no_secret_is_configured(body: bytes, settings: LazySettings) -> None:
    header = told.signed(body)
    settings.STRIPE_WEBHOOK_SECRET = ""
    assert post(body, header).status_code == 400
    assert not StripeEvent.objects.exists()


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"id": 1, "type": "x", "created": 1, "livemode": false, "data": {"object": {}}}',
        b'{"id": "evt", "type": 1, "created": 1, "livemode": false, "data": {"object": {}}}',
        b'{"id": "", "type": "x", "created": 1, "livemode": false, "data": {"object": {}}}',
        b'{"id": "evt", "type": "x", "created": "x", "livemode": false, "data": {"object": {}}}',
        b'{"id": "evt", "type": "x", "created": 1e400, "livemode": false, "data": {"object": {}}}',
        b'{"id": "evt", "type": "x", "created": 1e15, "livemode": false, "data": {"object": {}}}',
        b'{"id": "evt", "type": "x", "created": 1, "livemode": false, "data": {"object": []}}',
        b'{"id": "evt", "type": "x", "created": 1, "livemode": false, "data": []}',
        b'{"id": "evt", "type": "x", "created": 1, "livemode": false}',
        b'{"id": "%s", "type": "x", "created": 1, "livemode": false, "data": {"object": {}}}'
        % (b"e" * 256),
    ],
)
def test_webhook_when_a_signed_body_is_no_event(body: bytes) -> None:
    assert post(body).status_code == 400
    assert post(body, "t=1,v1=0").status_code == 400
    assert not StripeEvent.objects.exists()


@pytest.mark.usefixtures("db")
def test_webhook_when_the_body_is_too_large() -> None:
    body = b" " * (MAX_BYTES + 1)
    assert post(body).status_code == 413
    assert post(body[:-1]).status_code == 400


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_webhook_when_it_is_no_post(method: str) -> None:
    assert Client().generic(method, URL).status_code == 405


def test_webhook_when_it_is_repeated(body: bytes, payment: Payment) -> None:
    assert [post(body).status_code for _ in range(3)] == [200] * 3
    assert lines(payment.user) == [("purchased", 100)]
    assert StripeEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_webhook_when_it_comes_fifty_times_at_once() -> None:
    erin = newcomer("erin")
    payment = told.order(erin)
    body = told.body_of(told.completed(payment))
    answers = outcomes([partial(post, body)] * 50)
    assert [getattr(answer, "status_code", answer) for answer in answers] == [200] * 50
    assert lines(erin) == [("purchased", 100)]
    assert list(StripeEvent.objects.values_list("state", flat=True)) == ["done"]
    assert invariants.problems() == []


def test_webhook_when_the_type_is_none_of_ours(payment: Payment) -> None:
    event = told.event("payment_intent.created", {"id": "pi_1", "object": "payment_intent"})
    assert post(told.body_of(event)).status_code == 200
    assert StripeEvent.objects.get().state == "ignored"


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"amount_total": 989}, "the amount or currency paid is not what was asked"),
        ({"amount_total": 99_000}, "the amount or currency paid is not what was asked"),
        ({"amount_total": None}, "the amount or currency paid is not what was asked"),
        ({"currency": "usd"}, "the amount or currency paid is not what was asked"),
        ({"payment_status": "no_payment_required"}, "Stripe asked for no payment"),
        ({"id": "cs_another"}, "the session is not this payment's"),
    ],
)
def test_webhook_when_what_was_paid_is_not_what_was_asked(
    payment: Payment, fields: dict[str, object], note: str
) -> None:
    answer = post(told.body_of(told.completed(payment, **fields)))
    assert json.loads(answer.content) == {"received": True}
    event = StripeEvent.objects.get()
    assert (event.state, event.note) == ("review", note)
    assert (told.now_of(payment).status, lines(payment.user)) == ("pending", [])


def test_webhook_when_it_is_of_the_other_mode(payment: Payment) -> None:
    event = {**told.completed(payment), "livemode": True}
    assert post(told.body_of(event)).status_code == 200
    assert StripeEvent.objects.get().state == "review"
    assert (told.now_of(payment).status, lines(payment.user)) == ("pending", [])


def test_webhook_when_an_amount_that_was_right_is_told_wrong_later(payment: Payment) -> None:
    told.tell(told.completed(payment))
    assert told.tell(told.completed(payment, amount_total=1)) == ["review"]
    assert lines(payment.user) == [("purchased", 100)]


@pytest.mark.parametrize("type", ["refund.created", "charge.dispute.created", "charge.refunded"])
def test_webhook_when_the_payment_is_unknown(payment: Payment, type: str) -> None:
    stranger = {"id": "x_1", "payment_intent": "pi_nobody", "amount": 1, "status": "succeeded"}
    assert told.tell(told.event(type, stranger)) == ["unmatched"]
    assert told.now_of(payment).status == "pending"


def test_webhook_when_a_refund_comes_before_its_payment(payment: Payment) -> None:
    assert told.tell(told.refunded(payment, 330), told.disputed(payment, "lost", 330)) == [
        "unmatched",
        "unmatched",
    ]
    assert told.tell(told.completed(payment)) == ["done"]
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"done"}
    assert told.standing(payment) == told.Standing("partial_refunded", 330, 34, 0, 66, 1)


def test_webhook_when_an_unmatched_event_is_sent_again(payment: Payment) -> None:
    """Its payment became known at the same moment, and nobody saw the other."""
    early = told.refunded(payment, 990)
    assert told.tell(early) == ["unmatched"]
    Payment.objects.update(payment_intent=told.intent(payment))
    assert told.tell(early) == ["done"]
    assert told.tell(told.completed(payment)) == ["done"]
    assert told.standing(payment).status == "refunded"


def test_webhook_when_acting_on_it_fails(payment: Payment) -> None:
    event = told.completed(payment)
    with failing(writes("billing_lot")):
        assert post(told.body_of(event)).status_code == 200
    row = StripeEvent.objects.get()
    assert (row.state, row.note) == ("error", "OperationalError('disk is full')")
    assert told.now_of(payment).status == "pending"
    assert told.tell(event) == ["done"]
    assert lines(payment.user) == [("purchased", 100)]
