"""Account-wide endpoints get a webhook about every video of their user."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openai import OpenAI
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import ApiKey, User
from tests.concurrency import run_concurrently
from tests.tiers import rounds
from tests.videos.conftest import claimed, completed, deliver_due, failed, order, running
from tests.videos.receiver import Receiver
from videos.account import deletion
from videos.engines.base import Job, JobState
from videos.engines.errors import Refused
from videos.jobs.worker import settle
from videos.models import Video, WebhookDelivery, WebhookEndpoint
from videos.webhooks import claim, deliveries, endpoints, signing

pytestmark = pytest.mark.django_db

ADDRESS = "/api/webhooks/endpoints"
EVENTS = ["video.completed", "video.failed"]
EXAMPLE = "https://example.com/hook"


@pytest.fixture
def endpoint(alice: User, receiver: Receiver) -> WebhookEndpoint:
    return endpoints.create(alice, url=receiver.url, events=EVENTS)


def make_due() -> None:
    WebhookDelivery.objects.exclude(next_try_at=None).update(next_try_at=timezone.now())


def reloaded(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=endpoint.pk)


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in receiver.requests]


# ---- what is delivered ----


def test_endpoint_gets_every_video_whether_it_succeeds_or_not(
    endpoint: WebhookEndpoint, alice: User, bob: User, receiver: Receiver, mp4: bytes
) -> None:
    first, second = completed(order(alice), mp4), failed(order(alice))
    failed(order(bob))
    assert deliver_due() == 2
    client = OpenAI(api_key="x", webhook_secret=signing.secret_of(alice).secret)
    events: list[Any] = [
        client.webhooks.unwrap(body, headers) for headers, body in receiver.requests
    ]
    assert {(str(event.type), event.data.id) for event in events} == {
        ("video.completed", f"video_{first.pk.hex}"), ("video.failed", f"video_{second.pk.hex}"),
    }  # fmt: skip
    assert {event.id for event in events} == {h["webhook-id"] for h, _ in receiver.requests}


def test_endpoint_gets_the_body_of_tasks_when_it_asks_for_it(
    endpoint: WebhookEndpoint, alice: User, receiver: Receiver
) -> None:
    endpoints.change(endpoint, format="task")
    video = failed(order(alice))
    deliver_due()
    assert [body["data"]["taskId"] for body in bodies(receiver)] == [str(video.pk)]


def test_endpoint_gets_only_the_events_it_wants(
    endpoint: WebhookEndpoint, alice: User, receiver: Receiver, mp4: bytes
) -> None:
    endpoints.change(endpoint, events=["video.completed"])
    failed(order(alice)), completed(order(alice), mp4), running(order(alice))
    assert deliver_due() == 1
    assert [body["type"] for body in bodies(receiver)] == ["video.completed"]


def test_same_url_gets_one_webhook_when_the_order_names_it_too(
    endpoint: WebhookEndpoint, alice: User, receiver: Receiver
) -> None:
    other = endpoints.create(alice, url=f"{receiver.url}&other", events=EVENTS)
    video = order(alice)
    Video.objects.filter(pk=video.pk).update(webhook_url=receiver.url)
    failed(video)
    rows = WebhookDelivery.objects.values_list("endpoint_id", "url")
    assert set(rows) == {(None, receiver.url), (other.pk, other.url)}


def test_each_delivery_is_queued_once_when_an_answer_is_settled_twice(
    endpoint: WebhookEndpoint, alice: User
) -> None:
    video = order(alice)
    Video.objects.filter(pk=video.pk).update(webhook_url=EXAMPLE)
    held = claimed(running(video))
    answer = Job(held.engine_job_id, JobState.FAILED, failure=Refused("No.", code="too_long"))
    settle.settle([(held, answer)])
    settle.settle([(held, answer)])
    ended = Video.objects.get(pk=video.pk)
    deliveries.enqueue_deliveries(ended)
    deliveries.enqueue_deliveries(ended)
    assert WebhookDelivery.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_each_delivery_is_queued_once_when_two_workers_settle_at_once(
    endpoint: WebhookEndpoint, alice: User
) -> None:
    held = claimed(running(order(alice)))
    answer = Job(held.engine_job_id, JobState.FAILED, failure=Refused("No.", code="too_long"))
    run_concurrently([lambda: settle.settle([(held, answer)])] * 2)
    assert WebhookDelivery.objects.count() == 1


def test_rescued_video_is_reported_again_to_those_who_want_successes(
    endpoint: WebhookEndpoint, alice: User, receiver: Receiver, mp4: bytes
) -> None:
    failures = endpoints.create(alice, url=EXAMPLE, events=["video.failed"])
    video = failed(order(alice))
    deliver_due()
    Video.objects.filter(pk=video.pk).update(
        status="succeeded", rescued_at=timezone.now(), file="x.mp4"
    )
    deliveries.enqueue_deliveries(Video.objects.get(pk=video.pk))
    assert deliver_due() == 1
    assert [body["type"] for body in bodies(receiver)] == ["video.failed", "video.completed"]
    ids = [headers["webhook-id"] for headers, _ in receiver.requests]
    assert ids[1] == f"{ids[0]}_rescued"
    assert WebhookDelivery.objects.filter(endpoint=failures).count() == 1


def test_end_of_a_video_costs_one_query_more_than_before_without_endpoints(alice: User) -> None:
    video = failed(order(alice))
    with CaptureQueriesContext(connection) as queries:
        deliveries.enqueue_deliveries(video)
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        deliveries.enqueue_deliveries(order(alice))
    assert [query for query in queries.captured_queries if "_webhookendpoint" in query["sql"]] == []


# ---- pausing and failing ----


def test_waiting_webhooks_are_sent_when_a_disabled_endpoint_is_enabled(
    endpoint: WebhookEndpoint, alice: User, receiver: Receiver
) -> None:
    failed(order(alice))
    endpoints.change(endpoint, enabled=False)
    failed(order(alice))  # nobody wants it
    make_due()
    assert deliver_due() == 0
    row = WebhookDelivery.objects.get()
    assert (row.state, row.next_try_at) == ("pending", None)
    endpoints.change(endpoint, enabled=True)
    assert (deliver_due(), len(receiver.requests)) == (1, 1)


def test_waiting_webhooks_go_to_the_new_url_when_it_is_changed(
    endpoint: WebhookEndpoint, alice: User, receiver: Receiver
) -> None:
    endpoints.change(endpoint, url="")
    failed(order(alice))
    assert deliver_due() == 0
    endpoints.change(endpoint, url=f"{receiver.url}&moved")
    assert deliver_due() == 1
    assert receiver.requests[0][0][":path"] == "/hook?from=firstlight&moved"


def test_failed_webhook_goes_to_the_new_url_when_it_is_sent_again(
    endpoint: WebhookEndpoint, alice: User, receiver: Receiver
) -> None:
    failed(order(alice))
    WebhookDelivery.objects.update(state="failed", next_try_at=None)
    endpoints.change(endpoint, url=f"{receiver.url}&moved")
    deliveries.redeliver(WebhookDelivery.objects.get())
    assert deliver_due() == 1
    assert receiver.requests[0][0][":path"] == "/hook?from=firstlight&moved"


def test_attempt_is_recorded_and_not_repeated_when_the_endpoint_is_disabled_meanwhile(
    endpoint: WebhookEndpoint, alice: User
) -> None:
    failed(order(alice))
    (held,) = claim.claim_due(10)
    WebhookEndpoint.objects.update(enabled=False)
    deliveries.record_result(held, deliveries.DeliveryResult(1, code=500))
    row = WebhookDelivery.objects.get()
    assert (row.state, row.next_try_at, row.attempts.count()) == ("pending", None, 1)


def fail_for(endpoint: WebhookEndpoint, since: timedelta, failures: int) -> None:
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        failing_since=timezone.now() - since, failures=failures
    )


def test_endpoint_is_gone_when_two_delete_it_or_one_changes_it(alice: User) -> None:
    endpoint = endpoints.create(alice, url=EXAMPLE, events=EVENTS)
    stale = reloaded(endpoint)
    endpoints.delete(endpoint)
    endpoints.delete(stale)
    with pytest.raises(endpoints.EndpointGone):
        endpoints.change(stale, description="x")
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_endpoint_is_changed_and_deleted_while_attempts_are_recorded(alice: User) -> None:
    refused = deliveries.DeliveryResult(1, 500)
    for n in range(rounds(4, 40)):
        endpoint = endpoints.create(alice, url=EXAMPLE, events=EVENTS)
        change = partial(endpoints.change, endpoint, url=f"{EXAMPLE}/{n}")
        for act in (change, partial(endpoints.delete, endpoint)):
            failed(order(alice)), failed(order(alice))
            due = claim.claim_due(10)
            record = [partial(deliveries.record_result, each, refused) for each in due]
            outcomes = run_concurrently([act, *record])
            assert [each for each in outcomes if isinstance(each, Exception)] == []


def test_endpoint_is_disabled_with_an_email_when_it_fails_for_days(
    endpoint: WebhookEndpoint, alice: User, receiver: Receiver, mailoutbox: list[Any]
) -> None:
    receiver.code = 500
    fail_for(endpoint, endpoints.DISABLED_AFTER, endpoints.DISABLED_AFTER_FAILURES - 1)
    failed(order(alice)), failed(order(alice))
    deliver_due()
    make_due()
    assert deliver_due() == 0
    row = reloaded(endpoint)
    assert (row.enabled, row.disabled_at is None) == (False, False)
    [email] = mailoutbox
    assert (email.kind, email.to, email.subject) == (
        "webhook_disabled", [alice.email], f"We no longer send webhooks to {receiver.url}",
    )  # fmt: skip
    receiver.code = 200
    row = endpoints.change(row, enabled=True)
    assert (row.failing_since, row.failures, row.disabled_at) == (None, 0, None)
    assert deliver_due() == 2


@pytest.mark.parametrize(
    ("since", "failures", "code", "left"),
    [
        (endpoints.DISABLED_AFTER, 3, 500, 4),
        (timedelta(hours=71), 500, 500, 501),
        (endpoints.DISABLED_AFTER, 500, 204, 0),
    ],
)
def test_endpoint_stays_enabled_when_it_failed_rarely_or_briefly_or_works_again(
    endpoint: WebhookEndpoint, alice: User, receiver: Receiver, mailoutbox: list[Any],
    since: timedelta, failures: int, code: int, left: int,
) -> None:  # fmt: skip
    receiver.code = code
    fail_for(endpoint, since, failures)
    failed(order(alice))
    deliver_due()
    row = reloaded(endpoint)
    assert (row.enabled, row.failures, row.failing_since is None) == (True, left, left == 0)
    assert mailoutbox == []


def test_endpoints_are_erased_with_the_account(endpoint: WebhookEndpoint, alice: User) -> None:
    failed(order(alice))
    deletion.erase_account(alice)
    assert (WebhookEndpoint.objects.count(), WebhookDelivery.objects.count()) == (0, 0)


# ---- the API ----


def test_endpoint_is_created_shown_changed_and_deleted(
    api: APIClient, alice: User, receiver: Receiver
) -> None:
    made = api.post(ADDRESS, {"url": EXAMPLE}, format="json")
    assert made.status_code == 201
    shown = made.json()
    assert {**shown, "id": "", "created_at": ""} == {
        "id": "", "url": EXAMPLE, "events": EVENTS, "format": "openai", "description": "",
        "enabled": True, "created_at": "", "failing_since": None, "disabled_at": None,
    }  # fmt: skip
    own = f"{ADDRESS}/{shown['id']}"
    assert (api.get(own).json(), api.get(ADDRESS).json()) == (shown, {"endpoints": [shown]})
    change = {"url": "", "events": ["video.failed", "video.failed"], "description": "Here"}
    changed = {**shown, "url": None, "events": ["video.failed"], "description": "Here"}
    assert api.patch(own, change, format="json").json() == changed
    assert api.patch(own, {"enabled": False}, format="json").json() == {**changed, "enabled": False}
    assert api.delete(own).status_code == 204
    assert (api.get(own).status_code, api.get(ADDRESS).json()) == (404, {"endpoints": []})


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://10.0.0.1:22/"},
        {"url": "nonsense"},
        {"url": 5},
        {"url": EXAMPLE, "events": []},
        {"url": EXAMPLE, "events": ["video.deleted"]},
        {"url": EXAMPLE, "events": "video.failed"},
        {"url": EXAMPLE, "format": "xml"},
        {"url": EXAMPLE, "description": "x" * 201},
        {"url": EXAMPLE, "enabled": "perhaps"},
    ],
)
def test_endpoint_is_refused_when_a_field_is_invalid(api: APIClient, body: dict[str, Any]) -> None:
    answers = [api.post(ADDRESS, body, format="json")]
    made = api.post(ADDRESS, {"url": f"{EXAMPLE}/2"}, format="json").json()
    answers.append(api.patch(f"{ADDRESS}/{made['id']}", body, format="json"))
    assert [answer.status_code for answer in answers] == [422, 422]
    assert WebhookEndpoint.objects.count() == 1


def test_endpoint_is_refused_when_its_url_is_taken_or_there_are_too_many(
    api: APIClient, stranger: APIClient
) -> None:
    for n in range(endpoints.MAX_ENDPOINTS):
        assert api.post(ADDRESS, {"url": f"{EXAMPLE}/{n}"}, format="json").status_code == 201
    refused = api.post(ADDRESS, {"url": f"{EXAMPLE}/x"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "too_many_endpoints")
    first = api.get(ADDRESS).json()["endpoints"][0]["id"]
    taken = api.patch(f"{ADDRESS}/{first}", {"url": f"{EXAMPLE}/1"}, format="json")
    assert (taken.status_code, taken.json()["code"]) == (400, "unusable_url")
    assert stranger.post(ADDRESS, {"url": f"{EXAMPLE}/1"}, format="json").status_code == 201


@pytest.mark.parametrize("call", ["get", "patch", "delete", "test"])
def test_endpoint_is_not_found_when_it_belongs_to_another_user(
    endpoint: WebhookEndpoint, stranger: APIClient, call: str
) -> None:
    own = f"{ADDRESS}/{endpoint.pk}"
    if call == "test":
        answer = stranger.post(f"{own}/test")
    else:
        answer = getattr(stranger, call)(own, {} if call == "patch" else None, format="json")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Resource not found"})
    assert reloaded(endpoint).enabled


def test_key_needs_both_scopes_to_add_an_endpoint(alice: User) -> None:
    def status(scopes: list[str]) -> int:
        _, text = api_keys.issue(alice, "a", scopes, None)
        client = APIClient(headers={"X-API-Key": text})
        return client.post(ADDRESS, {"url": f"{EXAMPLE}/{len(scopes)}"}, format="json").status_code

    scope = ApiKey.Scope
    assert status([scope.READ]) == status([scope.GENERATE]) == 403
    assert status([scope.READ, scope.GENERATE]) == 201


def test_test_webhook_is_sent_to_an_endpoint(
    endpoint: WebhookEndpoint, api: APIClient, alice: User, receiver: Receiver
) -> None:
    receiver.code = 503
    found = api.post(f"{ADDRESS}/{endpoint.pk}/test").json()
    assert {**found, "took_ms": 0} == {
        "delivered": False, "code": 503, "error": None, "took_ms": 0,
    }  # fmt: skip
    assert [body["type"] for body in bodies(receiver)] == ["test"]
    endpoints.change(endpoint, url="")
    refused = api.post(f"{ADDRESS}/{endpoint.pk}/test")
    assert (refused.status_code, refused.json()["code"]) == (400, "unusable_url")


def test_test_webhooks_are_limited(
    endpoint: WebhookEndpoint, api: APIClient, settings: LazySettings
) -> None:
    settings.RATE_GENERATE = (1, 60)
    answers = [api.post(f"{ADDRESS}/{endpoint.pk}/test") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert (answers[1].json()["code"], answers[1]["Retry-After"]) == ("too_many_tests", "60")


def test_endpoint_calls_are_refused_when_anonymous(anonymous: APIClient) -> None:
    assert [anonymous.get(ADDRESS).status_code, anonymous.post(ADDRESS).status_code] == [401, 401]
