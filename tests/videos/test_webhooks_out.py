"""A client that named an address hears of its video's end: signed, until it has heard."""

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
from tests.videos.conftest import completed, failed, order, running
from tests.videos.receiver import Receiver
from videos.jobs import removal, state_machine
from videos.models import Video, WebhookDelivery, WebhookSecret
from videos.webhooks import deliveries, signing

pytestmark = pytest.mark.django_db


def hooked(user: User, url: str) -> Video:
    video = order(user)
    Video.objects.filter(pk=video.pk).update(webhook_url=url)
    return Video.objects.get(pk=video.pk)


def make_due() -> None:
    WebhookDelivery.objects.update(next_try_at=timezone.now())


def the_delivery() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in receiver.heard]


@pytest.fixture
def ended(alice: User, receiver: Receiver) -> Video:
    """A video of Alice's that failed, of which her receiver has not heard yet."""
    return failed(hooked(alice, receiver.url))


def test_success_is_told_with_where_the_file_is(
    alice: User,
    receiver: Receiver,
    mp4: bytes,
) -> None:
    video = completed(hooked(alice, receiver.url), mp4)
    assert deliveries.deliver_due() == 1
    (body,) = bodies(receiver)
    urls = json.loads(body["data"].pop("resultJson"))["resultUrls"]
    assert body == {
        "code": 200, "msg": "success", "data": {"taskId": str(video.pk), "state": "success"},
    }  # fmt: skip
    [url] = urls
    assert f"/api/videos/{video.pk}/content" in url


def test_failure_is_told_in_plain_words(ended: Video, receiver: Receiver) -> None:
    deliveries.deliver_due()
    assert bodies(receiver) == [
        {
            "code": 501,
            "msg": "fail",
            "data": {
                "taskId": str(ended.pk),
                "state": "fail",
                "failCode": "internal_error",
                "failMsg": "The engine stopped. The cause was not your prompt.",
            },
        }
    ]


@pytest.mark.parametrize("finish", [state_machine.cancel, removal.delete])
def test_a_video_that_was_stopped_is_told_once(
    alice: User,
    receiver: Receiver,
    finish: Any,
) -> None:
    video = hooked(alice, receiver.url)
    finish(video)
    removal.delete(video)
    assert (deliveries.deliver_due(), deliveries.deliver_due()) == (1, 0)
    assert [body["data"]["state"] for body in bodies(receiver)] == ["fail"]


def test_nobody_is_told_while_the_owner_is_locked_out(ended: Video, receiver: Receiver) -> None:
    deletion.lock(ended.user)
    assert deliveries.deliver_due() == 0
    deletion.unlock(ended.user)
    assert (deliveries.deliver_due(), len(bodies(receiver))) == (1, 1)


def test_nobody_is_told_when_no_address_was_named_or_nothing_has_ended(
    alice: User,
    receiver: Receiver,
) -> None:
    failed(order(alice))
    running(hooked(alice, receiver.url))
    assert (deliveries.deliver_due(), WebhookDelivery.objects.count()) == (0, 0)


def test_what_rolls_back_is_not_told(alice: User, receiver: Receiver) -> None:
    video = hooked(alice, receiver.url)
    with transaction.atomic():
        state_machine.cancel(video)
        transaction.set_rollback(True)
    assert (WebhookDelivery.objects.count(), deliveries.deliver_due()) == (0, 0)


# ---- signatures ----


def verified(receiver: Receiver, secret: str) -> list[bool]:
    def good(headers: dict[str, str], body: bytes) -> bool:
        try:
            Webhook(secret).verify(body, headers)
        except WebhookVerificationError:
            return False
        return True

    return [good(headers, body) for headers, body in receiver.heard]


def test_it_is_signed_as_standard_webhooks_say(
    ended: Video,
    alice: User,
    receiver: Receiver,
) -> None:
    deliveries.deliver_due()
    ((headers, body),) = receiver.heard
    assert headers["webhook-id"] == f"msg_{the_delivery().pk.hex}"
    assert verified(receiver, signing.secret_of(alice).secret) == [True]
    receiver.heard[0] = (headers, body + b" ")
    assert verified(receiver, signing.secret_of(alice).secret) == [False]


def test_both_secrets_are_good_for_a_day_after_a_change(
    ended: Video,
    alice: User,
    receiver: Receiver,
) -> None:
    old = signing.secret_of(alice).secret
    new = signing.change_secret(alice).secret
    assert new != old
    deliveries.deliver_due()
    assert (verified(receiver, old), verified(receiver, new)) == ([True], [True])
    WebhookSecret.objects.update(former_until=timezone.now() - timedelta(seconds=1))
    receiver.heard.clear()
    deliveries.redeliver(the_delivery())
    deliveries.deliver_due()
    assert (verified(receiver, old), verified(receiver, new)) == ([False], [True])


# ---- trying again ----


def state() -> tuple[str, int, bool]:
    row = the_delivery()
    return row.state, row.tries, row.next_try_at is not None


@pytest.mark.parametrize("code", [200, 204, 299])
def test_a_good_answer_ends_it(ended: Video, receiver: Receiver, code: int) -> None:
    receiver.code = code
    deliveries.deliver_due()
    assert (state(), deliveries.deliver_due()) == (("delivered", 1, False), 0)


@pytest.mark.parametrize("code", [302, 400, 404, 500])
def test_any_other_answer_is_tried_again(
    ended: Video,
    receiver: Receiver,
    code: int,
) -> None:
    receiver.code = code
    deliveries.deliver_due()
    assert (state(), deliveries.deliver_due()) == (("pending", 1, True), 0)
    receiver.code = 200
    make_due()
    deliveries.deliver_due()
    assert state() == ("delivered", 2, False)
    ids = {headers["webhook-id"] for headers, _ in receiver.heard}
    assert (len(receiver.heard), len(ids)) == (2, 1)
    assert list(the_delivery().attempts.values_list("code", flat=True)) == [code, 200]


def test_it_is_tried_for_a_day_and_then_left(ended: Video, receiver: Receiver) -> None:
    receiver.code = 500
    begun = the_delivery().round_started_at
    waits = []
    while the_delivery().state == "pending":
        make_due()
        deliveries.deliver_due()
        if due := the_delivery().next_try_at:
            waits.append((due - begun).total_seconds())
    assert state() == ("failed", 10, False)
    planned = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    wrong = [
        (wait, plan)
        for wait, plan in zip(waits, planned, strict=True)
        if not plan <= wait <= plan * 1.1 + 10
    ]
    assert wrong == []


def test_gone_ends_it(ended: Video, receiver: Receiver) -> None:
    receiver.code = 410
    deliveries.deliver_due()
    assert state() == ("failed", 1, False)


def test_a_busy_receiver_is_given_the_time_it_asks_for(
    ended: Video,
    receiver: Receiver,
) -> None:
    receiver.code, receiver.headers = 429, {"Retry-After": "3000"}
    deliveries.deliver_due()
    due = the_delivery().next_try_at
    assert due
    assert 2990 < (due - timezone.now()).total_seconds() <= 3000


def test_an_address_that_leads_inside_is_blocked_and_says_so(
    ended: Video,
    settings: LazySettings,
    receiver: Receiver,
) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    deliveries.deliver_due()
    (attempt,) = the_delivery().attempts.all()
    assert (state(), attempt.code, attempt.error, receiver.heard) == (
        ("blocked", 1, False), None, "The address is not one that webhooks may go to.", [],
    )  # fmt: skip


def test_a_dead_workers_delivery_comes_due_again(ended: Video, receiver: Receiver) -> None:
    (held,) = deliveries.claim_due(10)
    assert deliveries.deliver_due() == 0
    make_due()  # the lease ran out
    assert deliveries.deliver_due() == 1
    deliveries.record_result(
        held, deliveries.DeliveryResult(1, code=500)
    )  # it was not dead after all
    assert state() == ("delivered", 1, False)


# ---- the doors ----


def test_the_log_shows_every_try(ended: Video, api: APIClient, receiver: Receiver) -> None:
    receiver.code = 500
    deliveries.deliver_due()
    answer = api.get("/api/webhooks/deliveries").json()
    (shown,) = answer.pop("deliveries")
    assert answer == {"total": 1, "page": 1, "page_size": 20}
    (attempt,) = shown["attempts"]
    assert (shown["task_id"], shown["url"], shown["status"], attempt["code"]) == (
        str(ended.pk), receiver.url, "pending", 500,
    )  # fmt: skip
    assert api.get(f"/api/webhooks/deliveries/{shown['id']}").json() == shown


@pytest.mark.parametrize(
    ("query", "found"),
    [("status=pending", 1), ("status=delivered", 0), ("page=2", 0), ("page_size=1", 1)],
)
def test_the_log_can_be_narrowed(ended: Video, api: APIClient, query: str, found: int) -> None:
    answer = api.get(f"/api/webhooks/deliveries?{query}")
    assert len(answer.json()["deliveries"]) == found


@pytest.mark.parametrize("query", ["page=0", "page_size=101", "status=lost", "task_id=x", "page=a"])
def test_what_cannot_be_asked_for_is_refused(api: APIClient, query: str) -> None:
    assert api.get(f"/api/webhooks/deliveries?{query}").status_code == 422


def test_the_log_asks_the_database_as_often_for_many_as_for_one(
    alice: User,
    api: APIClient,
    receiver: Receiver,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    failed(hooked(alice, receiver.url))
    with CaptureQueriesContext(connection) as one:
        api.get("/api/webhooks/deliveries")
    for _ in range(3):
        failed(hooked(alice, receiver.url))
    with django_assert_num_queries(len(one)):
        api.get("/api/webhooks/deliveries")


def test_one_can_be_sent_again(ended: Video, api: APIClient, receiver: Receiver) -> None:
    deliveries.deliver_due()
    address = f"/api/webhooks/deliveries/{the_delivery().pk}/redeliver"
    assert api.post(address).json()["status"] == "pending"
    refused = api.post(address)
    assert (refused.status_code, refused.json()["code"]) == (400, "not_redeliverable")
    deliveries.deliver_due()
    ids = {headers["webhook-id"] for headers, _ in receiver.heard}
    assert (len(receiver.heard), len(ids), state()[0]) == (2, 1, "delivered")


def test_a_stranger_finds_nothing(ended: Video, stranger: APIClient) -> None:
    address = f"/api/webhooks/deliveries/{the_delivery().pk}"
    unknown = stranger.get("/api/webhooks/deliveries/00000000-0000-0000-0000-000000000000")
    for answer in (stranger.get(address), stranger.post(f"{address}/redeliver")):
        assert (answer.status_code, answer.content) == (404, unknown.content)
    assert stranger.get("/api/webhooks/deliveries").json()["total"] == 0


@pytest.mark.parametrize("address", ["secret", "deliveries"])
def test_anybody_else_has_to_sign_in(anonymous: APIClient, address: str) -> None:
    answer = anonymous.get(f"/api/webhooks/{address}")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


def test_the_secret_is_shown_to_its_owner_and_can_be_changed(alice: User, bob: User) -> None:
    mine, theirs = signed_in(alice), signed_in(bob)
    first = mine.get("/api/webhooks/secret")
    assert first["Cache-Control"] == "no-store"
    assert mine.get("/api/webhooks/secret").json() == first.json()
    assert theirs.get("/api/webhooks/secret").json()["secret"] != first.json()["secret"]
    changed = mine.post("/api/webhooks/secret").json()
    assert changed["secret"] != first.json()["secret"]
    assert changed["former_valid_until"] is not None
