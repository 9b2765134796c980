"""A repeated order of an SDK makes no second video; a new one does."""

import json
from contextlib import closing
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from config.lib import idempotency
from config.lib.idempotency import RequestKey
from tests.concurrency import run_concurrently
from tests.conftest import ServerThread, signed_in
from tests.videos.api.gateway.clients import key_of
from videos.jobs import orders
from videos.models import Video

URL = "/v1/videos"


def create(client: APIClient, attempt: object = None, prompt: str = "A boat", **sent: Any) -> Any:
    headers = {} if attempt is None else {"X-Stainless-Retry-Count": str(attempt)}
    return client.post(URL, {"prompt": prompt}, format="json", headers={**headers, **sent})


def ids(*answers: Any) -> int:
    """How many videos these answers are about."""
    return len({answer.json()["id"] for answer in answers})


def test_retry_gets_the_video_of_the_first_attempt(api: APIClient, alice: User) -> None:
    before = credits.available(alice)
    first, second, third = create(api, 0), create(api, 1), create(api, 2)
    assert (ids(first, second, third), before - credits.available(alice)) == (1, 20)
    assert [each.get("Idempotent-Replayed") for each in (first, second)] == [None, "true"]


def test_new_order_is_made_when_the_attempt_is_a_first_one(api: APIClient) -> None:
    first, second = create(api, 0), create(api, 0)
    assert ids(first, second) == 2
    assert ids(second, create(api, 1)) == 1


@pytest.mark.parametrize("attempt", [None, "", "x", "-1", "1e9"])
def test_new_order_is_made_when_the_client_does_not_count(api: APIClient, attempt: object) -> None:
    assert ids(create(api, attempt), create(api, attempt)) == 2


def test_retry_of_another_order_or_user_makes_its_own_video(api: APIClient, bob: User) -> None:
    first = create(api, 0)
    assert ids(first, create(api, 1, "Another"), create(signed_in(bob), 1)) == 3


def test_retry_makes_a_video_when_the_first_attempt_never_arrived(api: APIClient) -> None:
    assert ids(create(api, 1), create(api, 2)) == 1


def test_retry_makes_a_video_when_the_last_equal_one_is_long_ago(api: APIClient) -> None:
    first = create(api, 0)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert ids(first, create(api, 1)) == 2


def test_retry_makes_a_video_when_the_last_equal_one_was_deleted(api: APIClient) -> None:
    first = create(api, 0)
    api.delete(f"{URL}/{first.json()['id']}")
    second, third = create(api, 1), create(api, 2)
    assert (ids(first, second), ids(second, third)) == (2, 1)


@pytest.mark.parametrize("body", [{"prompt": "A boat"}, {"prompt": ""}, {}])
def test_retry_makes_a_video_when_the_first_attempt_was_over_the_rate_limit(
    api: APIClient, settings: LazySettings, body: dict[str, str]
) -> None:
    settings.RATE_GENERATE = (1, 60)
    first = create(api, 0)
    refused = api.post(URL, body, format="json", headers={"X-Stainless-Retry-Count": "0"})
    settings.RATE_GENERATE = (0, 60)
    assert refused.status_code == 429
    second, third = create(api, 1), create(api, 2)
    assert ids(first, second) == (2 if body == {"prompt": "A boat"} else 1)
    assert ids(second, third) == 1


def test_first_attempt_makes_no_video_when_its_retry_was_faster(
    api: APIClient, alice: User
) -> None:
    body = ("POST", URL, {"prompt": "A boat"})
    slow = idempotency.key_of_attempt(alice, 0, *body)
    fast = idempotency.key_of_attempt(alice, 1, *body)
    made = orders.submit(alice, orders.VideoOrder("A boat", seconds=4), fast)
    with pytest.raises(idempotency.AlreadyDone) as done:
        orders.submit(alice, orders.VideoOrder("A boat", seconds=4), slow)
    assert (done.value.result, Video.objects.count()) == (made, 1)


def test_one_video_is_made_when_the_body_of_the_first_attempt_is_slow(
    live: ServerThread, alice: User
) -> None:
    body = json.dumps({"prompt": "A boat"}).encode()
    headers = {"Authorization": f"Bearer {key_of(alice)}", "Content-Type": "application/json"}

    def count(attempt: int) -> dict[str, str]:
        return {
            **headers,
            "Content-Length": str(len(body)),
            "X-Stainless-Retry-Count": f"{attempt}",
        }

    with closing(HTTPConnection("127.0.0.1", live.port)) as slow:
        slow.request("POST", URL, body[:5], count(0))
        with closing(HTTPConnection("127.0.0.1", live.port)) as fast:
            fast.request("POST", URL, body, count(1))
            made = json.load(fast.getresponse())
        slow.send(body[5:])
        assert json.load(slow.getresponse())["id"] == made["id"]
    assert Video.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_video_is_made_when_attempts_race(alice: User) -> None:
    # All have arrived: a first one that arrives after its repetition was answered is a new order.
    keys = [idempotency.key_of_attempt(alice, n, "POST", URL) for n in range(4)]
    before = credits.available(alice)

    def place(key: RequestKey) -> Video:
        order = orders.VideoOrder("A boat", seconds=4)
        return idempotency.run(key, partial(orders.submit, alice, order, key)).result

    videos = run_concurrently([partial(place, key) for key in keys])
    assert [video.pk for video in videos] == [Video.objects.get().pk] * 4
    assert before - credits.available(alice) == 20


def test_key_of_the_client_comes_first(api: APIClient) -> None:
    named = {"Idempotency-Key": "k1"}
    first, again = create(api, 0, **named), create(api, 0, **named)
    other = create(api, 0, "Another", **named)
    assert (ids(first, again), other.status_code) == (1, 409)
    assert (other["x-should-retry"], other.json()["error"]["code"]) == (
        "false",
        "idempotency_key_reused",
    )
