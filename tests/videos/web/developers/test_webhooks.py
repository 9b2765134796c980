"""/developers/webhooks/: the secret, a test webhook, and the log."""

import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from accounts.models import User
from config.lib import rate_limits
from tests.markup import flat
from tests.videos.conftest import order, receiver
from tests.videos.receiver import Receiver
from videos.models import DeliveryAttempt, WebhookDelivery
from videos.webhooks import signing

URL = "https://example.com/hook"
FIXTURES = (receiver,)


@pytest.fixture
def delivery(alice: User) -> WebhookDelivery:
    """One that was delivered at the second attempt."""
    return delivered(alice)


def delivered(user: User) -> WebhookDelivery:
    now = timezone.now()
    row = WebhookDelivery.objects.create(
        user=user,
        video=order(user),
        url=URL,
        state="delivered",
        created_at=now,
        round_started_at=now,
    )
    DeliveryAttempt.objects.create(delivery=row, at=now, took_ms=1234, code=500)
    DeliveryAttempt.objects.create(delivery=row, at=now, took_ms=20, code=204)
    return row


@pytest.mark.parametrize("path", ["/developers/", "/developers/webhooks/"])
def test_developer_pages_require_signing_in(db: None, path: str) -> None:
    assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_delivery_log_shows_each_attempt(page: Client, delivery: WebhookDelivery) -> None:
    text = flat(page.get("/developers/webhooks/"))
    assert [
        part for part in (URL, "HTTP 500", "1,234 ms", "HTTP 204", "2 attempts") if part not in text
    ] == []


def test_delivery_log_is_filtered_by_state(page: Client, delivery: WebhookDelivery) -> None:
    shown = [len(page.get(f"/developers/webhooks/?state={s}").context["page"]) for s in STATES]
    assert shown == [1, 0, 1]


STATES = ("delivered", "failed", "nonsense")


def test_delivery_log_needs_as_many_queries_for_many(
    page: Client, alice: User, delivery: WebhookDelivery, django_assert_max_num_queries: Any
) -> None:
    for _n in range(3):
        delivered(alice)
    with django_assert_max_num_queries(12):
        page.get("/developers/webhooks/")


def test_signing_secret_is_replaced(page: Client, alice: User) -> None:
    before = signing.secret_of(alice).secret
    page.post("/developers/webhooks/secret/")
    row = signing.secret_of(alice)
    assert row.former == before
    assert row.secret != before
    assert row.secret in page.get("/developers/webhooks/").content.decode()


def test_delivery_is_sent_again_when_user_asks(page: Client, delivery: WebhookDelivery) -> None:
    answer = page.post(f"/developers/webhooks/{delivery.pk}/redeliver/", follow=True)
    assert b"The webhook is being sent again." in answer.content
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("pending", 0)
    answer = page.post(f"/developers/webhooks/{delivery.pk}/redeliver/", follow=True)
    assert b"This webhook is still being delivered." in answer.content


def test_delivery_is_not_found_when_it_belongs_to_another_user(page: Client, bob: User) -> None:
    theirs = delivered(bob)
    assert URL not in page.get("/developers/webhooks/").content.decode()
    assert page.post(f"/developers/webhooks/{theirs.pk}/redeliver/").status_code == 404


# ---- trying an address ----


def said_of(page: Client, url: str) -> str:
    answer = page.post("/developers/webhooks/test/", {"url": url}, follow=True)
    return str(next(iter(answer.context["messages"])))


def test_test_webhook_is_signed_and_not_logged(
    page: Client, alice: User, receiver: Receiver
) -> None:
    assert re.fullmatch(
        r"The test webhook was delivered: HTTP 200 after \d+ ms\.", said_of(page, receiver.url)
    )
    ((headers, body),) = receiver.requests
    event = Webhook(signing.secret_of(alice).secret).verify(body, headers)
    assert (event["type"], WebhookDelivery.objects.count()) == ("test", 0)


def test_test_webhook_shows_the_answer_of_the_server(page: Client, receiver: Receiver) -> None:
    receiver.code = 500
    words = "The server answered HTTP 500. We would retry a webhook answered like this."
    assert said_of(page, receiver.url) == words


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "ftp://example.com/", "nonsense", ""])
def test_test_webhook_is_refused_when_address_is_internal(page: Client, url: str) -> None:
    assert said_of(page, url).startswith("The test webhook was not delivered: The address ")


def test_test_webhook_is_refused_when_rate_is_exhausted(
    page: Client, alice: User, settings: LazySettings
) -> None:
    settings.RATE_GENERATE = (1, 60)
    rate_limits.clear(f"webhook-test:{alice.pk}")
    said_of(page, "")
    assert said_of(page, "").startswith("You sent too many test webhooks.")


def test_test_webhook_requires_signing_in(db: None) -> None:
    assert Client().post("/developers/webhooks/test/", {"url": URL}).status_code == 302
