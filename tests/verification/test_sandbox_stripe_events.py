"""Events of the stand-in for Stripe: signed as the SDK verifies, sent until they are accepted."""

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
from tests.verification.test_sandbox_stripe import SECRET, Shop, shop

__all__ = ["shop"]

TYPES = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
]


def test_the_sdk_verifies_our_signature(shop: Shop) -> None:
    shop.paid()
    shop.deliver()
    for received in shop.hook.received:
        event = stripe.Webhook.construct_event(received.body, received.signature, SECRET)
        assert event.id == received.event["id"]
        assert event.api_version == "2026-10-28.endive"
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(received.body, received.signature, "whsec_other")


def test_our_hmac_equals_the_sdks(shop: Shop) -> None:
    body = json.dumps({"id": "evt_1", "name": "影片"}, ensure_ascii=False)
    header = stripe.WebhookSignature.generate_signature_header(
        body, SECRET, timestamp=1_700_000_000
    )
    assert webhooks.signature(body.encode(), SECRET, 1_700_000_000) == header
    at, _, given = header.removeprefix("t=").partition(",v1=")
    signed = f"{at}.{body}".encode()
    assert hmac.new(SECRET.encode(), signed, sha256).hexdigest() == given


def test_an_event_is_the_one_the_api_shows(shop: Shop) -> None:
    session = shop.paid()
    pending = [each.pending_webhooks for each in shop.v1.events.list().data]
    shop.deliver()
    listed = shop.v1.events.list().data
    assert [each.type for each in listed] == TYPES[::-1]
    assert (pending, [each.pending_webhooks for each in listed]) == ([1] * 4, [0] * 4)
    event = shop.v1.events.retrieve(listed[0].id)
    assert event.data.object["id"] == session.id
    sent = shop.hook.received[-1].event
    assert sent == {**json.loads(str(event)), "pending_webhooks": 1}


def test_an_event_names_the_request_that_caused_it(shop: Shop) -> None:
    intent = str(shop.paid().payment_intent)
    shop.deliver()
    assert shop.hook.received[0].event["request"] == {"id": None, "idempotency_key": None}
    refund = shop.v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "rf:1"})
    shop.deliver()
    assert refund.last_response is not None
    assert shop.hook.received[-1].event["request"] == {
        "id": refund.last_response.request_id,
        "idempotency_key": "rf:1",
    }


def test_an_event_is_sent_again_until_it_is_accepted(shop: Shop, settings: LazySettings) -> None:
    settings.SANDBOX_SPEED = 1.0
    shop.press(shop.open().id, "expire")
    shop.hook.status = 500
    assert [webhooks.deliver_due(), webhooks.deliver_due()] == [0, 0]
    assert len(shop.hook.received) == 1  # the second try waits for its time
    shop.hook.status = 200
    due_now()
    assert [webhooks.deliver_due(), webhooks.deliver_due()] == [1, 0]
    first, second = shop.hook.received
    assert first.body == second.body


def due_now() -> None:
    with STORE.writing() as connection:
        connection.execute("UPDATE delivery SET due_at = 0 WHERE due_at IS NOT NULL")


def test_an_event_is_given_up_after_all_tries(shop: Shop) -> None:
    shop.hook.status = 400
    shop.press(shop.open().id, "expire")
    for _ in range(20):
        webhooks.deliver_due()
    assert len(shop.hook.received) == len(webhooks.BACK_OFF_SECONDS) + 1


def test_an_endpoint_that_is_away_is_tried_again(shop: Shop, settings: LazySettings) -> None:
    settings.SANDBOX_STRIPE_WEBHOOK_URL = "http://127.0.0.1:9/nobody"
    shop.press(shop.open().id, "expire")
    assert webhooks.deliver_due() == 0
    settings.SANDBOX_STRIPE_WEBHOOK_URL = shop.hook.url
    assert shop.deliver() == ["checkout.session.expired"]


def test_several_processes_send_an_event_once(shop: Shop) -> None:
    for _ in range(3):
        shop.paid()
    threads = [threading.Thread(target=webhooks.deliver_due) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(shop.hook.types()) == sorted(TYPES * 3)


def test_without_an_address_events_are_only_listed(shop: Shop, settings: LazySettings) -> None:
    settings.SANDBOX_STRIPE_WEBHOOK_URL = ""
    shop.paid()
    assert (shop.deliver(), len(shop.v1.events.list().data)) == ([], 4)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("twice", [each for each in TYPES for _ in range(2)]), ("silent", []), ("late", TYPES)],
)
def test_a_word_in_the_address_disturbs_the_events(
    shop: Shop, word: str, expected: list[str]
) -> None:
    shop.paid(email=f"anna+{word}@example.com")
    assert shop.deliver() == expected


def test_late_events_wait_for_their_time(shop: Shop, settings: LazySettings) -> None:
    settings.SANDBOX_SPEED = 1.0
    shop.paid(email="anna+late@example.com")
    assert shop.deliver() == []
    due_now()
    assert sorted(shop.deliver()) == sorted(TYPES)


@pytest.mark.parametrize("how", ["switch", "word"])
def test_shuffled_events_come_in_any_order(shop: Shop, settings: LazySettings, how: str) -> None:
    settings.SANDBOX_SPEED = 100.0
    if how == "switch":
        assert shop.do("switch", "shuffled") == 303
    orders = set()
    for _ in range(4):
        shop.paid(email="anna+shuffled@example.com" if how == "word" else "")
        time.sleep(0.05)
        got = shop.deliver()
        assert sorted(got) == sorted(TYPES)
        orders.add(tuple(got))
    assert len(orders) > 1


def test_the_dashboard_sends_events_again(shop: Shop) -> None:
    session = shop.paid()
    shop.deliver()
    first: Any = shop.hook.received[0].event
    assert shop.do("resend", first["id"]) == 303
    assert shop.deliver() == [first["type"]]
    assert shop.do("resend-all", session.id) == 303
    assert shop.deliver() == TYPES
    assert shop.do("resend-shuffled", session.id) == 303
    assert sorted(shop.deliver()) == sorted(TYPES * 2)
    assert len({each.event["id"] for each in shop.hook.received}) == 4


def test_a_broken_row_does_not_stop_the_clock(shop: Shop) -> None:
    with database.writing() as db:
        db.schedule("session.expire", "cs_gone", 0)
    shop.press(shop.open().id, "expire")
    assert shop.deliver() == ["checkout.session.expired"]


def test_an_idle_turn_is_cheap(shop: Shop) -> None:
    shop.open()
    started = time.process_time()
    for _ in range(100):
        webhooks.deliver_due()
    assert time.process_time() - started < 1.0
