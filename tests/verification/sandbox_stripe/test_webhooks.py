"""Webhook events of the sandbox Stripe: their signature, retries and order."""

import hmac
import json
import threading
import time
from hashlib import sha256
from typing import Any

import pytest
import stripe
from django.conf import LazySettings

from billing.sandbox import database, webhooks
from billing.sandbox.store import STORE
from tests.verification.sandbox_stripe.merchant import SECRET, Merchant

TYPES = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
]


def test_sdk_accepts_the_signature_when_an_event_is_sent(merchant: Merchant) -> None:
    merchant.create_paid_session()
    merchant.deliver()
    for received in merchant.receiver.received:
        event = stripe.Webhook.construct_event(received.body, received.signature, SECRET)
        assert event.id == received.event["id"]
        assert event.api_version == "2026-10-28.endive"
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(received.body, received.signature, "whsec_other")


def test_signature_equals_the_sdks_when_the_body_is_the_same(merchant: Merchant) -> None:
    body = json.dumps({"id": "evt_1", "name": "影片"}, ensure_ascii=False)
    header = stripe.WebhookSignature.generate_signature_header(
        body, SECRET, timestamp=1_700_000_000
    )
    assert webhooks.signature(body.encode(), SECRET, 1_700_000_000) == header
    at, _, given = header.removeprefix("t=").partition(",v1=")
    signed = f"{at}.{body}".encode()
    assert hmac.new(SECRET.encode(), signed, sha256).hexdigest() == given


def test_sent_event_equals_the_apis_when_delivered(merchant: Merchant) -> None:
    session = merchant.create_paid_session()
    pending = [each.pending_webhooks for each in merchant.v1.events.list().data]
    merchant.deliver()
    listed = merchant.v1.events.list().data
    assert [each.type for each in listed] == TYPES[::-1]
    assert (pending, [each.pending_webhooks for each in listed]) == ([1] * 4, [0] * 4)
    event = merchant.v1.events.retrieve(listed[0].id)
    assert event.data.object["id"] == session.id
    sent = merchant.receiver.received[-1].event
    assert sent == {**json.loads(str(event)), "pending_webhooks": 1}


def test_event_names_its_request_when_the_api_caused_it(merchant: Merchant) -> None:
    intent = str(merchant.create_paid_session().payment_intent)
    merchant.deliver()
    assert merchant.receiver.received[0].event["request"] == {"id": None, "idempotency_key": None}
    refund = merchant.v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "rf:1"})
    merchant.deliver()
    assert refund.last_response is not None
    assert merchant.receiver.received[-1].event["request"] == {
        "id": refund.last_response.request_id,
        "idempotency_key": "rf:1",
    }


def test_event_is_retried_when_it_is_refused(merchant: Merchant, settings: LazySettings) -> None:
    settings.SANDBOX_SPEED = 1.0
    merchant.click(merchant.create_session().id, "expire")
    merchant.receiver.status = 500
    assert [webhooks.deliver_due(), webhooks.deliver_due()] == [0, 0]
    assert len(merchant.receiver.received) == 1  # the second attempt is not due yet
    merchant.receiver.status = 200
    due_now()
    assert [webhooks.deliver_due(), webhooks.deliver_due()] == [1, 0]
    first, second = merchant.receiver.received
    assert first.body == second.body


def due_now() -> None:
    with STORE.writing() as connection:
        connection.execute("UPDATE delivery SET due_at = 0 WHERE due_at IS NOT NULL")


def test_event_is_given_up_when_every_attempt_was_refused(merchant: Merchant) -> None:
    merchant.receiver.status = 400
    merchant.click(merchant.create_session().id, "expire")
    for _ in range(20):
        webhooks.deliver_due()
    assert len(merchant.receiver.received) == len(webhooks.BACK_OFF_SECONDS) + 1


def test_event_is_retried_when_the_endpoint_is_unreachable(
    merchant: Merchant, settings: LazySettings
) -> None:
    settings.SANDBOX_STRIPE_WEBHOOK_URL = "http://127.0.0.1:9/nobody"
    merchant.click(merchant.create_session().id, "expire")
    assert webhooks.deliver_due() == 0
    settings.SANDBOX_STRIPE_WEBHOOK_URL = merchant.receiver.url
    assert merchant.deliver() == ["checkout.session.expired"]


def test_event_is_sent_once_when_several_workers_deliver(merchant: Merchant) -> None:
    for _ in range(3):
        merchant.create_paid_session()
    threads = [threading.Thread(target=webhooks.deliver_due) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(merchant.receiver.types()) == sorted(TYPES * 3)


def test_events_are_only_listed_when_no_webhook_url_is_set(
    merchant: Merchant, settings: LazySettings
) -> None:
    settings.SANDBOX_STRIPE_WEBHOOK_URL = ""
    merchant.create_paid_session()
    assert (merchant.deliver(), len(merchant.v1.events.list().data)) == ([], 4)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("twice", [each for each in TYPES for _ in range(2)]), ("silent", []), ("late", TYPES)],
)
def test_events_are_faulty_when_the_email_has_a_trigger_word(
    merchant: Merchant, word: str, expected: list[str]
) -> None:
    merchant.create_paid_session(email=f"anna+{word}@example.com")
    assert merchant.deliver() == expected


def test_events_wait_when_the_email_says_late(merchant: Merchant, settings: LazySettings) -> None:
    settings.SANDBOX_SPEED = 1.0
    merchant.create_paid_session(email="anna+late@example.com")
    assert merchant.deliver() == []
    due_now()
    assert sorted(merchant.deliver()) == sorted(TYPES)


@pytest.mark.parametrize("how", ["switch", "word"])
def test_events_come_in_random_order_when_shuffled(
    merchant: Merchant, settings: LazySettings, how: str
) -> None:
    settings.SANDBOX_SPEED = 100.0
    if how == "switch":
        assert merchant.click_dashboard("switch", "shuffled") == 303
    orders = set()
    for _ in range(4):
        merchant.create_paid_session(email="anna+shuffled@example.com" if how == "word" else "")
        time.sleep(0.05)
        got = merchant.deliver()
        assert sorted(got) == sorted(TYPES)
        orders.add(tuple(got))
    assert len(orders) > 1


def test_events_are_sent_again_when_the_dashboard_resends_them(merchant: Merchant) -> None:
    session = merchant.create_paid_session()
    merchant.deliver()
    first: Any = merchant.receiver.received[0].event
    assert merchant.click_dashboard("resend", first["id"]) == 303
    assert merchant.deliver() == [first["type"]]
    assert merchant.click_dashboard("resend-all", session.id) == 303
    assert merchant.deliver() == TYPES
    assert merchant.click_dashboard("resend-shuffled", session.id) == 303
    assert sorted(merchant.deliver()) == sorted(TYPES * 2)
    assert len({each.event["id"] for each in merchant.receiver.received}) == 4


def test_other_timers_run_when_one_fails(merchant: Merchant) -> None:
    with database.writing() as db:
        db.schedule("session.expire", "cs_gone", 0)
    merchant.click(merchant.create_session().id, "expire")
    assert merchant.deliver() == ["checkout.session.expired"]


def test_delivery_is_cheap_when_nothing_is_due(merchant: Merchant) -> None:
    merchant.create_session()
    started = time.process_time()
    for _ in range(100):
        webhooks.deliver_due()
    assert time.process_time() - started < 1.0
