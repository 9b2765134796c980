"""Webhooks that a client fetches and acknowledges, and many that are sent again."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openai import OpenAI
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import ApiKey, User
from tests.concurrency import run_concurrently
from tests.videos.conftest import deliver_due, failed, order
from tests.videos.receiver import Receiver
from videos.models import Video, WebhookDelivery, WebhookEndpoint
from videos.webhooks import claim, deliveries, endpoints, pull, signing

pytestmark = pytest.mark.django_db

EVENTS, ACK = "/api/webhooks/events", "/api/webhooks/events/ack"
MANY = "/api/webhooks/deliveries/redeliver"


@pytest.fixture
def endpoint(alice: User) -> WebhookEndpoint:
    """An endpoint without a URL: its events are fetched only."""
    return endpoints.create(alice, url="", events=["video.completed", "video.failed"])


def fetch(api: APIClient, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"{EVENTS}{query}").json()["events"]
    return found


def acknowledge(api: APIClient, *ids: str) -> dict[str, Any]:
    answer = api.post(ACK, {"ids": ids}, format="json")
    assert answer.status_code == 200, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def test_fetched_webhook_is_what_would_be_sent(
    endpoint: WebhookEndpoint, alice: User, api: APIClient, receiver: Receiver
) -> None:
    video = failed(order(alice))
    assert deliver_due() == 0
    [event] = fetch(api)
    client = OpenAI(api_key="x", webhook_secret=signing.secret_of(alice).secret)
    assert str(client.webhooks.unwrap(event["body"], event["headers"]).type) == "video.failed"
    row = WebhookDelivery.objects.get()
    assert (event["webhook_id"], event["type"], event["status"], event["endpoint_id"]) == (
        f"msg_{row.pk.hex}", "video.failed", "pending", str(endpoint.pk),
    )  # fmt: skip
    assert json.loads(event["body"])["data"] == {"id": f"video_{video.pk.hex}"}
    endpoints.change(endpoint, url=receiver.url)
    deliver_due()
    ((headers, body),) = receiver.requests
    assert (headers["webhook-id"], body.decode()) == (event["webhook_id"], event["body"])


def test_undelivered_ones_come_oldest_first_until_they_are_acknowledged(
    endpoint: WebhookEndpoint, alice: User, api: APIClient
) -> None:
    for _ in range(3):
        failed(order(alice))
    first = api.get(f"{EVENTS}?limit=2").json()
    assert (len(first["events"]), first["has_more"]) == (2, True)
    ids = [event["webhook_id"] for event in first["events"]]
    assert acknowledge(api, *ids, "msg_x", ids[0]) == {"acknowledged": ids, "unknown": ["msg_x"]}
    rest = api.get(EVENTS).json()
    assert (len(rest["events"]), rest["has_more"]) == (1, False)
    assert {event["webhook_id"] for event in rest["events"]} & set(ids) == set()
    assert acknowledge(api, *ids)["acknowledged"] == ids  # safe to repeat
    shown = api.get(f"/api/webhooks/deliveries?endpoint_id={endpoint.pk}&status=delivered").json()
    assert shown["total"] == 2
    assert all(row["acknowledged_at"] == row["delivered_at"] for row in shown["deliveries"])
    assert {row["url"] for row in shown["deliveries"]} == {None}


def test_failed_and_waiting_pushes_are_undelivered_and_stop_when_acknowledged(
    alice: User, api: APIClient, receiver: Receiver
) -> None:
    receiver.code = 500
    endpoints.create(alice, url=receiver.url, events=["video.failed"])
    failed(order(alice)), failed(order(alice))
    deliver_due()
    failing = WebhookDelivery.objects.order_by("created_at")[0]
    WebhookDelivery.objects.filter(pk=failing.pk).update(state="failed", next_try_at=None)
    events = fetch(api)
    assert [event["status"] for event in events] == ["failed", "pending"]
    acknowledge(api, *(event["webhook_id"] for event in events))
    WebhookDelivery.objects.exclude(next_try_at=None).update(next_try_at=timezone.now())
    assert (deliver_due(), fetch(api)) == (0, [])


@pytest.mark.parametrize("code", [200, 500])
def test_acknowledged_webhook_stays_delivered_when_a_push_is_under_way(
    alice: User, api: APIClient, receiver: Receiver, code: int
) -> None:
    endpoints.create(alice, url=receiver.url, events=["video.failed"])
    failed(order(alice))
    (held,) = claim.claim_due(10)
    [event] = fetch(api)
    acknowledge(api, event["webhook_id"])
    claim.renew_leases([held])
    deliveries.record_result(held, deliveries.DeliveryResult(1, code=code))
    row = WebhookDelivery.objects.get()
    assert (row.state, row.next_try_at, row.lease) == ("delivered", None, None)
    assert row.acknowledged_at is not None
    assert [attempt.code for attempt in row.attempts.all()] == [code]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", [200, 500])
def test_webhook_is_delivered_once_when_push_and_acknowledgement_race(
    alice: User, receiver: Receiver, code: int
) -> None:
    endpoints.create(alice, url=receiver.url, events=["video.failed"])
    failed(order(alice))
    (held,) = claim.claim_due(10)
    message_id = deliveries.message_id_of(held)
    run_concurrently(
        [
            lambda: deliveries.record_result(held, deliveries.DeliveryResult(1, code=code)),
            lambda: pull.acknowledge(alice, [message_id]),
        ]
    )
    row = WebhookDelivery.objects.get()
    assert (row.state, row.next_try_at, row.attempts.count()) == ("delivered", None, 1)


def test_success_is_not_acknowledged_by_the_id_of_the_failure_before_it(
    endpoint: WebhookEndpoint, alice: User, api: APIClient
) -> None:
    video = failed(order(alice))
    [failure] = fetch(api)
    Video.objects.filter(pk=video.pk).update(
        status="succeeded", rescued_at=timezone.now(), file="x.mp4"
    )
    deliveries.enqueue_deliveries(Video.objects.get(pk=video.pk))
    assert acknowledge(api, failure["webhook_id"])["acknowledged"] == []
    [success] = fetch(api)
    assert success["type"] == "video.completed"
    assert acknowledge(api, success["webhook_id"])["unknown"] == []
    assert fetch(api) == []


def test_nothing_of_another_user_is_fetched_or_acknowledged(
    endpoint: WebhookEndpoint, alice: User, api: APIClient, stranger: APIClient
) -> None:
    failed(order(alice))
    [event] = fetch(api)
    assert fetch(stranger) == fetch(stranger, f"?endpoint_id={endpoint.pk}") == []
    assert acknowledge(stranger, event["webhook_id"])["acknowledged"] == []
    assert len(fetch(api)) == 1


def test_reading_key_fetches_and_cannot_acknowledge(endpoint: WebhookEndpoint, alice: User) -> None:
    _, text = api_keys.issue(alice, "a", [ApiKey.Scope.READ], None)
    client = APIClient(headers={"X-API-Key": text})
    assert client.get(EVENTS).status_code == 200
    assert client.post(ACK, {"ids": ["x"]}, format="json").status_code == 403


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "status=lost", "endpoint_id=x"])
def test_fetching_is_refused_when_the_query_is_invalid(api: APIClient, query: str) -> None:
    assert api.get(f"{EVENTS}?{query}").status_code == 422


@pytest.mark.parametrize("ids", [[], "x", [5], ["x" * 61], ["x"] * 101, None])
def test_acknowledging_is_refused_when_the_ids_are_invalid(api: APIClient, ids: object) -> None:
    assert api.post(ACK, {"ids": ids}, format="json").status_code == 422


def test_fetching_needs_as_many_queries_for_many(
    endpoint: WebhookEndpoint,
    alice: User,
    api: APIClient,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    failed(order(alice))
    fetch(api)
    with CaptureQueriesContext(connection) as one:
        fetch(api)
    failed(order(alice)), failed(order(alice))
    with django_assert_num_queries(len(one)):
        fetch(api)


# ---- sending many again ----


def test_failed_ones_are_sent_again_at_once(
    alice: User, bob: User, api: APIClient, receiver: Receiver
) -> None:
    for user in (alice, bob):
        endpoints.create(user, url=receiver.url, events=["video.failed"])
    for user in (alice, alice, bob):
        failed(order(user))
    WebhookDelivery.objects.update(state="failed", next_try_at=None, tries=10)
    since = WebhookDelivery.objects.filter(user=alice).order_by("-created_at")[0].created_at
    later = {"status": "failed", "since": since.isoformat()}
    assert api.post(MANY, later, format="json").json() == {"redelivered": 1}
    assert api.post(MANY, {"status": "failed"}, format="json").json() == {"redelivered": 1}
    assert api.post(MANY, {"status": "failed"}, format="json").json() == {"redelivered": 0}
    assert (deliver_due(), len(receiver.requests)) == (2, 2)
    ids = [str(pk) for pk in WebhookDelivery.objects.values_list("pk", flat=True)]
    assert api.post(MANY, {"ids": ids}, format="json").json() == {"redelivered": 2}
    assert WebhookDelivery.objects.get(user=bob).state == "failed"


def test_acknowledged_one_can_be_fetched_again_when_it_is_redelivered(
    endpoint: WebhookEndpoint, alice: User, api: APIClient
) -> None:
    failed(order(alice))
    [event] = fetch(api)
    acknowledge(api, event["webhook_id"])
    assert api.post(MANY, {"status": "delivered"}, format="json").json() == {"redelivered": 1}
    assert (deliver_due(), [again["webhook_id"] for again in fetch(api)]) == (
        0, [event["webhook_id"]],
    )  # fmt: skip


def test_nothing_is_sent_again_to_a_disabled_endpoint(
    alice: User, api: APIClient, receiver: Receiver
) -> None:
    endpoint = endpoints.create(alice, url=receiver.url, events=["video.failed"])
    failed(order(alice))
    deliver_due()
    endpoints.change(endpoint, enabled=False)
    assert api.post(MANY, {"status": "delivered"}, format="json").json() == {"redelivered": 0}
    row = WebhookDelivery.objects.get()
    refused = api.post(f"/api/webhooks/deliveries/{row.pk}/redeliver")
    assert (refused.status_code, refused.json()) == (
        400, {"detail": "The endpoint is disabled. Enable it first.", "code": "not_redeliverable"},
    )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "pending"},
        {"ids": []},
        {"ids": ["x"]},
        {"ids": ["0bea85fc-23da-4a31-b62a-235392db67f3"] * 101},
        {"ids": ["0bea85fc-23da-4a31-b62a-235392db67f3"], "status": "failed"},
        {"ids": ["0bea85fc-23da-4a31-b62a-235392db67f3"], "since": "2026-01-01T00:00:00Z"},
        {"since": "2026-01-01T00:00:00Z"},
        {"status": "failed", "since": "yesterday"},
    ],
)
def test_sending_many_again_is_refused_when_the_body_is_invalid(
    api: APIClient, body: dict[str, Any]
) -> None:
    assert api.post(MANY, body, format="json").status_code == 422
