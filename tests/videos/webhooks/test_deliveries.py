"""Webhooks about the end of a video are signed and retried until they are delivered."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import User
from accounts.people import deletion
from tests.conftest import signed_in
from tests.videos.conftest import completed, deliver_due, failed, order, running
from tests.videos.receiver import Receiver
from videos.jobs import removal, state_machine
from videos.models import Video, WebhookDelivery, WebhookSecret
from videos.webhooks import claim, deliveries, signing

pytestmark = pytest.mark.django_db


def order_with_webhook(user: User, url: str) -> Video:
    video = order(user)
    Video.objects.filter(pk=video.pk).update(webhook_url=url)
    return Video.objects.get(pk=video.pk)


def make_due() -> None:
    WebhookDelivery.objects.update(next_try_at=timezone.now())


def only_delivery() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in receiver.requests]


@pytest.fixture
def failed_video(alice: User, receiver: Receiver) -> Video:
    """A failed video of Alice whose webhook is not delivered yet."""
    return failed(order_with_webhook(alice, receiver.url))


def test_webhook_has_the_file_url_when_the_video_succeeds(
    alice: User,
    receiver: Receiver,
    mp4: bytes,
) -> None:
    video = completed(order_with_webhook(alice, receiver.url), mp4)
    assert deliver_due() == 1
    (body,) = bodies(receiver)
    urls = json.loads(body["data"].pop("resultJson"))["resultUrls"]
    assert body == {
        "code": 200, "msg": "success", "data": {"taskId": str(video.pk), "state": "success"},
    }  # fmt: skip
    [url] = urls
    assert f"/api/videos/{video.pk}/content" in url


def test_webhook_has_the_reason_when_the_video_fails(
    failed_video: Video, receiver: Receiver
) -> None:
    deliver_due()
    assert bodies(receiver) == [
        {
            "code": 501,
            "msg": "fail",
            "data": {
                "taskId": str(failed_video.pk),
                "state": "fail",
                "failCode": "internal_error",
                "failMsg": "The engine stopped. The cause was not your prompt.",
            },
        }
    ]


@pytest.mark.parametrize("finish", [state_machine.cancel, removal.delete])
def test_one_webhook_is_sent_when_the_video_is_cancelled(
    alice: User,
    receiver: Receiver,
    finish: Any,
) -> None:
    video = order_with_webhook(alice, receiver.url)
    finish(video)
    removal.delete(video)
    assert (deliver_due(), deliver_due()) == (1, 0)
    assert [body["data"]["state"] for body in bodies(receiver)] == ["fail"]


def test_no_webhook_is_sent_while_the_owner_is_locked(
    failed_video: Video, receiver: Receiver
) -> None:
    deletion.lock(failed_video.user)
    assert deliver_due() == 0
    deletion.unlock(failed_video.user)
    assert (deliver_due(), len(bodies(receiver))) == (1, 1)


def test_no_webhook_is_sent_when_no_url_was_given_or_the_video_has_not_ended(
    alice: User,
    receiver: Receiver,
) -> None:
    failed(order(alice))
    running(order_with_webhook(alice, receiver.url))
    assert (deliver_due(), WebhookDelivery.objects.count()) == (0, 0)


def test_no_webhook_is_sent_when_the_transaction_rolls_back(
    alice: User, receiver: Receiver
) -> None:
    video = order_with_webhook(alice, receiver.url)
    with transaction.atomic():
        state_machine.cancel(video)
        transaction.set_rollback(True)
    assert (WebhookDelivery.objects.count(), deliver_due()) == (0, 0)


# ---- signatures ----


def verified(receiver: Receiver, secret: str) -> list[bool]:
    def is_valid_signature(headers: dict[str, str], body: bytes) -> bool:
        try:
            Webhook(secret).verify(body, headers)
        except WebhookVerificationError:
            return False
        return True

    return [is_valid_signature(headers, body) for headers, body in receiver.requests]


def test_webhook_is_signed_as_standard_webhooks_defines(
    failed_video: Video,
    alice: User,
    receiver: Receiver,
) -> None:
    deliver_due()
    ((headers, body),) = receiver.requests
    assert headers["webhook-id"] == f"msg_{only_delivery().pk.hex}"
    assert verified(receiver, signing.secret_of(alice).secret) == [True]
    receiver.requests[0] = (headers, body + b" ")
    assert verified(receiver, signing.secret_of(alice).secret) == [False]


def test_both_secrets_are_valid_for_a_day_when_the_secret_is_changed(
    failed_video: Video,
    alice: User,
    receiver: Receiver,
) -> None:
    old = signing.secret_of(alice).secret
    new = signing.change_secret(alice).secret
    assert new != old
    deliver_due()
    assert (verified(receiver, old), verified(receiver, new)) == ([True], [True])
    WebhookSecret.objects.update(former_until=timezone.now() - timedelta(seconds=1))
    receiver.requests.clear()
    deliveries.redeliver(only_delivery())
    deliver_due()
    assert (verified(receiver, old), verified(receiver, new)) == ([False], [True])


# ---- retries ----


def state() -> tuple[str, int, bool]:
    row = only_delivery()
    return row.state, row.tries, row.next_try_at is not None


@pytest.mark.parametrize("code", [200, 204, 299])
def test_delivery_ends_when_the_answer_is_2xx(
    failed_video: Video, receiver: Receiver, code: int
) -> None:
    receiver.code = code
    deliver_due()
    assert (state(), deliver_due()) == (("delivered", 1, False), 0)


@pytest.mark.parametrize("code", [302, 400, 404, 500])
def test_delivery_is_retried_when_the_answer_is_not_2xx(
    failed_video: Video,
    receiver: Receiver,
    code: int,
) -> None:
    receiver.code = code
    deliver_due()
    assert (state(), deliver_due()) == (("pending", 1, True), 0)
    receiver.code = 200
    make_due()
    deliver_due()
    assert state() == ("delivered", 2, False)
    ids = {headers["webhook-id"] for headers, _ in receiver.requests}
    assert (len(receiver.requests), len(ids)) == (2, 1)
    assert list(only_delivery().attempts.values_list("code", flat=True)) == [code, 200]


def test_delivery_fails_when_a_day_of_retries_has_passed(
    failed_video: Video, receiver: Receiver
) -> None:
    receiver.code = 500
    begun = only_delivery().round_started_at
    waits = []
    while only_delivery().state == "pending":
        make_due()
        deliver_due()
        if due := only_delivery().next_try_at:
            waits.append((due - begun).total_seconds())
    assert state() == ("failed", 10, False)
    planned = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    wrong = [
        (wait, plan)
        for wait, plan in zip(waits, planned, strict=True)
        if not plan <= wait <= plan * 1.1 + 10
    ]
    assert wrong == []


def test_delivery_ends_when_the_answer_is_410(failed_video: Video, receiver: Receiver) -> None:
    receiver.code = 410
    deliver_due()
    assert state() == ("failed", 1, False)


def test_retry_waits_as_long_as_retry_after_says(
    failed_video: Video,
    receiver: Receiver,
) -> None:
    receiver.code, receiver.headers = 429, {"Retry-After": "3000"}
    deliver_due()
    due = only_delivery().next_try_at
    assert due
    assert 2990 < (due - timezone.now()).total_seconds() <= 3000


def test_delivery_is_blocked_when_the_address_is_internal(
    failed_video: Video,
    settings: LazySettings,
    receiver: Receiver,
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    deliver_due()
    (attempt,) = only_delivery().attempts.all()
    assert (state(), attempt.code, attempt.error, receiver.requests) == (
        ("blocked", 1, False), None, "The address is not one that webhooks may go to.", [],
    )  # fmt: skip


def test_delivery_is_due_again_when_its_worker_died(
    failed_video: Video, receiver: Receiver
) -> None:
    (held,) = claim.claim_due(10)
    assert deliver_due() == 0
    make_due()  # the lease ran out
    assert deliver_due() == 1
    deliveries.record_result(
        held, deliveries.DeliveryResult(1, code=500)
    )  # the first worker was alive after all
    assert state() == ("delivered", 1, False)


# ---- the API ----


def test_log_shows_every_attempt(failed_video: Video, api: APIClient, receiver: Receiver) -> None:
    receiver.code = 500
    deliver_due()
    answer = api.get("/api/webhooks/deliveries").json()
    (shown,) = answer.pop("deliveries")
    assert answer == {"total": 1, "page": 1, "page_size": 20}
    (attempt,) = shown["attempts"]
    assert (shown["task_id"], shown["url"], shown["status"], attempt["code"]) == (
        str(failed_video.pk), receiver.url, "pending", 500,
    )  # fmt: skip
    assert api.get(f"/api/webhooks/deliveries/{shown['id']}").json() == shown


@pytest.mark.parametrize(
    ("query", "found"),
    [("status=pending", 1), ("status=delivered", 0), ("page=2", 0), ("page_size=1", 1)],
)
def test_log_is_filtered(failed_video: Video, api: APIClient, query: str, found: int) -> None:
    answer = api.get(f"/api/webhooks/deliveries?{query}")
    assert len(answer.json()["deliveries"]) == found


@pytest.mark.parametrize("query", ["page=0", "page_size=101", "status=lost", "task_id=x", "page=a"])
def test_log_is_refused_when_a_filter_is_invalid(api: APIClient, query: str) -> None:
    assert api.get(f"/api/webhooks/deliveries?{query}").status_code == 422


def test_log_needs_as_many_queries_for_many_deliveries(
    alice: User,
    api: APIClient,
    receiver: Receiver,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    failed(order_with_webhook(alice, receiver.url))
    with CaptureQueriesContext(connection) as one:
        api.get("/api/webhooks/deliveries")
    for _ in range(3):
        failed(order_with_webhook(alice, receiver.url))
    with django_assert_num_queries(len(one)):
        api.get("/api/webhooks/deliveries")


def test_delivery_is_sent_again_when_requested(
    failed_video: Video, api: APIClient, receiver: Receiver
) -> None:
    deliver_due()
    address = f"/api/webhooks/deliveries/{only_delivery().pk}/redeliver"
    assert api.post(address).json()["status"] == "pending"
    refused = api.post(address)
    assert (refused.status_code, refused.json()["code"]) == (400, "not_redeliverable")
    deliver_due()
    ids = {headers["webhook-id"] for headers, _ in receiver.requests}
    assert (len(receiver.requests), len(ids), state()[0]) == (2, 1, "delivered")


def test_delivery_is_not_found_when_it_belongs_to_another_user(
    failed_video: Video, stranger: APIClient
) -> None:
    address = f"/api/webhooks/deliveries/{only_delivery().pk}"
    unknown = stranger.get("/api/webhooks/deliveries/00000000-0000-0000-0000-000000000000")
    for answer in (stranger.get(address), stranger.post(f"{address}/redeliver")):
        assert (answer.status_code, answer.content) == (404, unknown.content)
    assert stranger.get("/api/webhooks/deliveries").json()["total"] == 0


@pytest.mark.parametrize("address", ["secret", "deliveries"])
def test_delivery_calls_are_refused_when_anonymous(anonymous: APIClient, address: str) -> None:
    answer = anonymous.get(f"/api/webhooks/{address}")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


def test_secret_is_shown_to_its_owner_and_can_be_replaced(alice: User, bob: User) -> None:
    alice_client, bob_client = signed_in(alice), signed_in(bob)
    first = alice_client.get("/api/webhooks/secret")
    assert first["Cache-Control"] == "no-store"
    assert alice_client.get("/api/webhooks/secret").json() == first.json()
    assert bob_client.get("/api/webhooks/secret").json()["secret"] != first.json()["secret"]
    changed = alice_client.post("/api/webhooks/secret").json()
    assert changed["secret"] != first.json()["secret"]
    assert changed["former_valid_until"] is not None
