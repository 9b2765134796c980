"""The webhook of Stripe accepts only recent, signed events, and grants once."""

import json
import time
from functools import partial
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from billing.ledger import invariants
from billing.models import Payment, StripeEvent
from billing.webhooks import MAX_BYTES
from tests.billing import payment_events
from tests.billing.conftest import create_user_without_credits, entries_of
from tests.concurrency import run_concurrently
from tests.statements import failing, writes

URL = "/api/payments/webhook/stripe"
YEAR = 365 * 24 * 3600


def post(body: bytes, signature: str | None = None) -> Any:
    header = payment_events.signature_header(body) if signature is None else signature
    client = Client(raise_request_exception=False)
    return client.post(URL, body, content_type="application/json", HTTP_STRIPE_SIGNATURE=header)


@pytest.fixture
def payment(carol: User) -> Payment:
    return payment_events.create_payment(carol)


@pytest.fixture
def body(payment: Payment) -> bytes:
    return payment_events.encode(payment_events.checkout_completed(payment))


def test_webhook_grants_the_credits_when_the_event_is_signed(body: bytes, payment: Payment) -> None:
    answer = post(body)
    assert (answer.status_code, json.loads(answer.content)) == (200, {"received": True})
    assert payment_events.reload(payment).status == "succeeded"
    assert entries_of(payment.user) == [("purchased", 100)]
    event = StripeEvent.objects.get()
    assert (event.state, event.type, event.api_version, event.payment_intent) == (
        "done",
        "checkout.session.completed",
        "2026-10-28.endive",
        payment_events.payment_intent_id(payment),
    )


def test_webhook_accepts_any_valid_signature_when_there_are_several(body: bytes) -> None:
    stamp, _, good = payment_events.signature_header(body).partition(",")
    assert post(body, f"{stamp},v1={'0' * 64},{good},v0=old").status_code == 200


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_webhook_is_200_when_the_clocks_differ_a_little(body: bytes, seconds: int) -> None:
    with time_machine.travel(time.time(), tick=False):
        header = payment_events.signature_header(body, time.time() + seconds)
        assert post(body, header).status_code == 200


@pytest.mark.parametrize("seconds", [-301, -YEAR, 303, YEAR, 10 * YEAR])
def test_webhook_is_400_when_the_signature_is_old_or_from_the_future(
    body: bytes, seconds: int
) -> None:
    with time_machine.travel(time.time(), tick=False):
        answer = post(body, payment_events.signature_header(body, time.time() + seconds))
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
def test_webhook_is_400_when_the_signature_is_wrong(
    body: bytes, payment: Payment, header: str
) -> None:
    assert post(body, header.replace("{now}", str(int(time.time())))).status_code == 400
    assert payment_events.reload(payment).status == "pending"
    assert not StripeEvent.objects.exists()


def test_webhook_is_400_when_the_secret_is_another(body: bytes) -> None:
    assert (
        post(body, payment_events.signature_header(body, secret="whsec_another")).status_code == 400
    )


def test_webhook_is_400_when_the_body_was_changed(body: bytes) -> None:
    assert (
        post(body.replace(b"990", b"991"), payment_events.signature_header(body)).status_code == 400
    )
    assert post(body + b" ", payment_events.signature_header(body)).status_code == 400


def test_webhook_is_400_when_no_secret_is_configured(body: bytes, settings: LazySettings) -> None:
    header = payment_events.signature_header(body)
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
def test_webhook_is_400_when_the_signed_body_is_not_an_event(body: bytes) -> None:
    assert post(body).status_code == 400
    assert post(body, "t=1,v1=0").status_code == 400
    assert not StripeEvent.objects.exists()


@pytest.mark.usefixtures("db")
def test_webhook_is_413_when_the_body_is_too_large() -> None:
    body = b" " * (MAX_BYTES + 1)
    assert post(body).status_code == 413
    assert post(body[:-1]).status_code == 400


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_webhook_is_405_when_the_method_is_not_post(method: str) -> None:
    assert Client().generic(method, URL).status_code == 405


def test_webhook_grants_once_when_the_event_is_repeated(body: bytes, payment: Payment) -> None:
    assert [post(body).status_code for _ in range(3)] == [200] * 3
    assert entries_of(payment.user) == [("purchased", 100)]
    assert StripeEvent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_webhook_grants_once_when_the_event_arrives_fifty_times_at_once() -> None:
    erin = create_user_without_credits("erin")
    payment = payment_events.create_payment(erin)
    body = payment_events.encode(payment_events.checkout_completed(payment))
    answers = run_concurrently([partial(post, body)] * 50)
    assert [getattr(answer, "status_code", answer) for answer in answers] == [200] * 50
    assert entries_of(erin) == [("purchased", 100)]
    assert list(StripeEvent.objects.values_list("state", flat=True)) == ["done"]
    assert invariants.problems() == []


def test_webhook_ignores_the_event_when_its_type_is_not_needed(payment: Payment) -> None:
    event = payment_events.stripe_event(
        "payment_intent.created", {"id": "pi_1", "object": "payment_intent"}
    )
    assert post(payment_events.encode(event)).status_code == 200
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
def test_webhook_requests_a_review_when_the_payment_does_not_match(
    payment: Payment, fields: dict[str, object], note: str
) -> None:
    answer = post(payment_events.encode(payment_events.checkout_completed(payment, **fields)))
    assert json.loads(answer.content) == {"received": True}
    event = StripeEvent.objects.get()
    assert (event.state, event.note) == ("review", note)
    assert (payment_events.reload(payment).status, entries_of(payment.user)) == ("pending", [])


def test_webhook_requests_a_review_when_the_event_is_of_live_mode(payment: Payment) -> None:
    event = {**payment_events.checkout_completed(payment), "livemode": True}
    assert post(payment_events.encode(event)).status_code == 200
    assert StripeEvent.objects.get().state == "review"
    assert (payment_events.reload(payment).status, entries_of(payment.user)) == ("pending", [])


def test_webhook_keeps_the_credits_when_a_later_event_does_not_match(payment: Payment) -> None:
    payment_events.deliver(payment_events.checkout_completed(payment))
    assert payment_events.deliver(payment_events.checkout_completed(payment, amount_total=1)) == [
        "review"
    ]
    assert entries_of(payment.user) == [("purchased", 100)]


@pytest.mark.parametrize("type", ["refund.created", "charge.dispute.created", "charge.refunded"])
def test_webhook_stores_the_event_when_its_payment_is_unknown(payment: Payment, type: str) -> None:
    stranger = {"id": "x_1", "payment_intent": "pi_nobody", "amount": 1, "status": "succeeded"}
    assert payment_events.deliver(payment_events.stripe_event(type, stranger)) == ["unmatched"]
    assert payment_events.reload(payment).status == "pending"


def test_webhook_processes_waiting_events_when_their_payment_arrives(payment: Payment) -> None:
    assert payment_events.deliver(
        payment_events.refund_event(payment, 330),
        payment_events.dispute_event(payment, "lost", 330),
    ) == [
        "unmatched",
        "unmatched",
    ]
    assert payment_events.deliver(payment_events.checkout_completed(payment)) == ["done"]
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"done"}
    assert payment_events.payment_state(payment) == payment_events.PaymentState(
        "partial_refunded", 330, 34, 0, 66, 1
    )


def test_webhook_processes_an_unmatched_event_when_it_is_sent_again(payment: Payment) -> None:
    """The payment became known while the event was stored, so it stayed unmatched."""
    early = payment_events.refund_event(payment, 990)
    assert payment_events.deliver(early) == ["unmatched"]
    Payment.objects.update(payment_intent=payment_events.payment_intent_id(payment))
    assert payment_events.deliver(early) == ["done"]
    assert payment_events.deliver(payment_events.checkout_completed(payment)) == ["done"]
    assert payment_events.payment_state(payment).status == "refunded"


def test_webhook_is_200_and_keeps_the_event_when_processing_fails(payment: Payment) -> None:
    event = payment_events.checkout_completed(payment)
    with failing(writes("billing_lot")):
        assert post(payment_events.encode(event)).status_code == 200
    row = StripeEvent.objects.get()
    assert (row.state, row.note) == ("error", "OperationalError('disk is full')")
    assert payment_events.reload(payment).status == "pending"
    assert payment_events.deliver(event) == ["done"]
    assert entries_of(payment.user) == [("purchased", 100)]
