"""/api/videos/queue: the user's waiting orders, listed, paused, moved and cancelled."""

from typing import Any

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import User
from billing.ledger import credits
from tests.videos.conftest import order, reloaded, running
from videos.jobs import state_machine
from videos.models import Video

QUEUE = "/api/videos/queue"


def change(api: APIClient, action: str, video: Video | None = None, **more: Any) -> Any:
    body = {"action": action, **({"video_id": str(video.pk)} if video else {}), **more}
    return api.post(QUEUE, body, format="json")


def listed(api: APIClient) -> list[tuple[str, int | None, bool]]:
    found = api.get(QUEUE).json()["videos"]
    return [(video["prompt"], video["queue_position"], video["paused"]) for video in found]


def test_waiting_orders_are_listed_in_their_order(api: APIClient, alice: User, bob: User) -> None:
    running(order(alice, "runs"))
    boat, _kite = order(alice, "boat"), order(alice, "kite")
    order(bob, "bobs")
    state_machine.pause(boat)
    assert listed(api) == [("boat", None, True), ("kite", 2, False)]
    body = api.get(QUEUE).json()
    assert (body["total"], body["paused"], body["credits"]) == (2, 1, 40)


def test_one_order_is_paused_resumed_moved_and_cancelled(api: APIClient, alice: User) -> None:
    boat, kite = order(alice, "boat"), order(alice, "kite")
    assert change(api, "pause", boat).json() == {"changed": 1, "credits": 0}
    assert listed(api) == [("boat", None, True), ("kite", 1, False)]
    change(api, "resume", boat)
    change(api, "front", kite)
    assert listed(api) == [("kite", 1, False), ("boat", 2, False)]
    assert change(api, "cancel", kite).json() == {"changed": 1, "credits": 20}
    assert (listed(api), credits.available(alice)) == ([("boat", 1, False)], 80)


def test_all_orders_are_paused_resumed_and_cancelled(api: APIClient, alice: User) -> None:
    begun = running(order(alice, "runs"))
    order(alice, "boat")
    order(alice, "kite")
    answers = [change(api, name).json() for name in ("pause", "pause", "resume", "cancel")]
    assert answers == [
        {"changed": 2, "credits": 0},
        {"changed": 0, "credits": 0},
        {"changed": 2, "credits": 0},
        {"changed": 2, "credits": 40},
    ]
    assert (reloaded(begun).status, credits.available(alice)) == ("running", 80)


@pytest.mark.parametrize("action", ["pause", "resume", "front", "cancel"])
def test_order_that_does_not_wait_is_400(api: APIClient, alice: User, action: str) -> None:
    boat = running(order(alice, "boat"))
    answer = change(api, action, boat)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_possible")
    assert reloaded(boat).status == "running"


@pytest.mark.parametrize("action", ["pause", "resume", "front", "cancel"])
def test_order_of_a_stranger_is_404(
    api: APIClient, stranger: APIClient, alice: User, action: str
) -> None:
    boat = order(alice, "boat")
    assert change(stranger, action, boat).status_code == 404
    assert listed(api) == [("boat", 1, False)]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "action"),
        ({"action": "explode"}, "action"),
        ({"action": "front"}, "video_id"),
        ({"action": "pause", "video_id": "7"}, "video_id"),
    ],
)
def test_bad_body_is_422(api: APIClient, body: dict[str, str], place: str) -> None:
    answer = api.post(QUEUE, body, format="json")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", place])


def test_queue_is_401_without_a_sign_in(anonymous: APIClient, db: None) -> None:
    assert (anonymous.get(QUEUE).status_code, change(anonymous, "pause").status_code) == (401, 401)


def test_key_that_may_only_read_changes_nothing(anonymous: APIClient, alice: User) -> None:
    boat = order(alice, "boat")
    _row, key = api_keys.issue(alice, "reader", ["read"])
    headers = {"X-API-Key": key}
    assert anonymous.get(QUEUE, headers=headers).status_code == 200
    answer = anonymous.post(QUEUE, {"action": "cancel"}, format="json", headers=headers)
    assert (answer.status_code, reloaded(boat).status) == (403, "queued")


def test_queries_do_not_grow_with_the_queue(
    api: APIClient, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    order(alice)
    api.get(QUEUE)
    with django_assert_max_num_queries(10) as few:
        api.get(QUEUE)
    order(alice)
    order(alice)
    with django_assert_max_num_queries(len(few)):
        api.get(QUEUE)
