"""What an API key may order: models and credits per day, in every call that orders."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.auth.key_limits import KeyLimits
from accounts.models import ApiKey, User
from billing.ledger import credits
from tests.concurrency import run_concurrently
from tests.conftest import create_user
from tests.videos.conftest import completed, failed, mp4, reloaded
from videos.jobs import key_limits, state_machine
from videos.models import Video

FIXTURES = (mp4,)
# sora-2 costs 20 credits for 4 seconds.
ORDER = {"prompt": "A paper boat", "model": "sora-2", "seconds": 4}
OVER = {
    "detail": "This API key may spend 40 credits a day and has spent 40. This order costs 20. The"
    " next day begins at 00:00 UTC.",
    "code": "key_limit",
    "field": "credits",
}
NOT_THIS_MODEL = {
    "detail": "This API key may not order the model sora-2. It may order: sora-2-pro.",
    "code": "key_limit",
    "field": "model",
}


def key_of(user: User, **limits: Any) -> tuple[APIClient, ApiKey]:
    """Return a client with a new key with these limits, and the key."""
    scopes = [ApiKey.Scope.READ.value, ApiKey.Scope.GENERATE.value]
    key, text = api_keys.issue(user, "limited", scopes, limits=KeyLimits(**limits))
    return APIClient(headers={"Authorization": f"Bearer {text}"}), key


def order(client: APIClient, path: str = "/api/videos", **fields: Any) -> Any:
    return client.post(path, {**ORDER, **fields}, format="json")


def video_of(answer: Any) -> Video:
    return Video.objects.get(pk=answer.json()["id"])


def test_order_is_refused_when_the_day_has_no_credits_left(alice: User) -> None:
    client, _key = key_of(alice, credits_per_day=40)
    assert [order(client).status_code for _ in range(2)] == [201, 201]
    before = credits.available(alice)
    refused = order(client)
    assert (refused.status_code, refused.json()) == (403, OVER)
    assert (Video.objects.count(), credits.available(alice)) == (2, before)


def test_other_keys_and_the_studio_still_order(alice: User, api: APIClient) -> None:
    client, _key = key_of(alice, credits_per_day=20)
    other, _other_key = key_of(alice, credits_per_day=20)
    assert [order(each).status_code for each in (client, client, other, api)] == [
        201,
        403,
        201,
        201,
    ]


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_returned_credits_count_as_not_spent(alice: User, end: str) -> None:
    client, key = key_of(alice, credits_per_day=20)
    video = video_of(order(client))
    assert (key_limits.spent_today(key.pk), order(client).status_code) == (20, 403)
    if end == "failed":
        failed(video)
    else:
        state_machine.cancel(video)
    assert (key_limits.spent_today(key.pk), order(client).status_code) == (0, 201)


def test_deleted_video_counts_as_spent(alice: User, mp4: bytes) -> None:
    client, _key = key_of(alice, credits_per_day=20)
    video = completed(video_of(order(client)), mp4)
    assert client.delete(f"/api/videos/{video.pk}").status_code == 200
    assert order(client).status_code == 403


def test_day_ends_at_midnight_utc(alice: User) -> None:
    client, _key = key_of(alice, credits_per_day=20)
    noon = timezone.now().replace(hour=12, minute=0)
    late, midnight = noon.replace(hour=23, minute=59), noon.replace(hour=0) + timedelta(days=1)
    found = []
    for moment in (noon, late, midnight):
        with time_machine.travel(moment, tick=False):
            found.append(order(client).status_code)
    assert found == [201, 403, 201]


def test_order_of_another_model_is_refused(alice: User) -> None:
    client, _key = key_of(alice, allowed_models=("sora-2-pro",))
    refused = order(client)
    assert (refused.status_code, refused.json()) == (403, NOT_THIS_MODEL)
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)
    assert order(client, model="sora-2-pro").status_code == 201


def test_allowed_id_of_a_model_allows_its_aliases(alice: User, api: APIClient) -> None:
    model_id = video_of(order(api)).model
    client, _key = key_of(alice, allowed_models=(model_id,))
    assert order(client).status_code == 201


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/videos/{done}/remix", {"prompt": "Snow"}),
        ("/api/tasks/{lost}/retry", {}),
        ("/api/videos/text-to-video", {"prompt": "Snow", "duration": 4, "quality": "standard"}),
        ("/api/videos/quote", {"model": "sora-2", "seconds": 4}),
    ],
)
@pytest.mark.parametrize(
    ("limits", "field"),
    [({"credits_per_day": 10}, "credits"), ({"allowed_models": ("sora-2-pro",)}, "model")],
)
def test_every_call_that_orders_obeys_the_limits(
    alice: User,
    api: APIClient,
    mp4: bytes,
    path: str,
    body: dict[str, Any],
    limits: dict[str, Any],
    field: str,
) -> None:
    done, lost = completed(video_of(order(api)), mp4), failed(video_of(order(api)))
    before = credits.available(alice)
    client, _key = key_of(alice, **limits)
    answer = client.post(path.format(done=done.pk, lost=lost.pk), body, format="json")
    found = answer.json()
    assert (answer.status_code, found["code"], found["field"]) == (403, "key_limit", field)
    assert (Video.objects.count(), credits.available(alice)) == (2, before)


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/videos/{done}/remix"])
def test_gateway_refuses_in_the_words_of_openai(
    alice: User, api: APIClient, mp4: bytes, path: str
) -> None:
    done = completed(video_of(order(api)), mp4)
    where = path.format(done=done.pk)
    for limits, expected in (
        ({"credits_per_day": 10}, (429, "insufficient_quota", "insufficient_quota", None, "false")),
        (
            {"allowed_models": ("sora-2-pro",)},
            (403, "permission_error", "key_limit", "model", None),
        ),
    ):
        answer = order(key_of(alice, **limits)[0], where)
        error = answer.json()["error"]
        retry = answer.headers.get("x-should-retry")
        found = (answer.status_code, error["type"], error["code"], error["param"], retry)
        assert found == expected
    assert Video.objects.count() == 1


def test_first_answer_is_repeated_when_it_used_up_the_day(alice: User) -> None:
    client, _key = key_of(alice, credits_per_day=20)
    first, again = (order_with_key(client, "order-1") for _ in range(2))
    assert [first.status_code, again.status_code] == [201, 201]
    assert (again.json()["id"], again["Idempotent-Replayed"]) == (first.json()["id"], "true")
    assert order_with_key(client, "order-2").status_code == 403


def order_with_key(client: APIClient, name: str) -> Any:
    return client.post("/api/videos", ORDER, format="json", headers={"Idempotency-Key": name})


def test_one_of_many_orders_is_placed_when_the_day_has_credits_for_one(
    transactional_db: None, settings: LazySettings
) -> None:
    settings.RATE_GENERATE = (0, 60)
    client, key = key_of(create_user("alice"), credits_per_day=39)
    answers = run_concurrently([partial(order, client) for _ in range(6)])
    assert sorted(answer.status_code for answer in answers) == [201] + [403] * 5
    assert key_limits.spent_today(key.pk) == 20


def test_equal_orders_at_once_all_get_the_one_video_that_the_day_allows(
    transactional_db: None, settings: LazySettings
) -> None:
    settings.RATE_GENERATE = (0, 60)
    client, _key = key_of(create_user("alice"), credits_per_day=20)
    answers = run_concurrently([partial(order_with_key, client, "same") for _ in range(5)])
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_key_without_billing_has_no_limit_of_credits(alice: User, settings: LazySettings) -> None:
    client, _key = key_of(alice, credits_per_day=1)
    assert order(client).status_code == 403
    settings.BILLING = False
    assert reloaded(video_of(order(client))).credits == 0
