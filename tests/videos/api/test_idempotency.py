"""Idempotency-Key on every create: a repeated request creates one object and says so."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits, invariants
from config.lib import idempotency
from config.lib.idempotency import AlreadyDone, IdempotencyMismatch, RequestKey
from config.lib.models import IdempotencyKey
from tests.concurrency import run_concurrently
from tests.conftest import create_user, signed_in
from tests.videos.conftest import completed, failed, order, photo, picture, upload
from videos import tasks
from videos.jobs import orders, state_machine
from videos.media import upload_urls, uploads
from videos.models import Upload, Video

PHOTO = photo()
Make = Callable[[APIClient, str], Any]


def post(address: str, body: dict[str, Any], format: str = "json") -> Make:
    return lambda client, key: client.post(
        address, body, format=format, headers={"Idempotency-Key": key}
    )


@pytest.fixture
def create_calls(alice: User, mp4: bytes) -> dict[str, Make]:
    """Return a create call for every path that has one."""
    credits.grant(alice, 1000, credits.Kind.BONUS, "test:more", expires_at=None)
    done, lost = completed(order(alice), mp4), failed(order(alice))
    image = upload_urls.url_of(uploads.store_image(alice, upload(picture())))
    words = {"prompt": "A paper boat"}
    return {
        "A": post("/api/videos", words),
        "A, form": post("/api/videos", words, "multipart"),
        "B": post("/api/videos/create", words),
        "A, remix": post(f"/api/videos/{done.pk}/remix", words),
        "B, remix": post(f"/api/videos/remix/{done.pk}", words),
        "B, remix by body": post("/api/videos/remix", {**words, "remix_video_id": str(done.pk)}),
        "C": post("/api/videos/text-to-video", words),
        "C, image": post("/api/videos/image-to-video", {**words, "image_urls": [image]}),
        "C, retry": post(f"/api/tasks/{lost.pk}/retry", {}),
    }


def test_one_video_is_created_when_a_key_is_repeated(
    api: APIClient, alice: User, create_calls: dict[str, Make]
) -> None:
    for name, make in create_calls.items():
        before = (Video.objects.count(), credits.available(alice))
        first, second, third = (make(api, name) for _ in range(3))
        assert first.status_code in {200, 201}
        assert "Idempotent-Replayed" not in first
        for again in (second, third):
            assert (again.status_code, again.json()) == (first.status_code, first.json())
            assert again["Idempotent-Replayed"] == "true"
        assert Video.objects.count() == before[0] + 1
        assert credits.available(alice) == before[1] - Video.objects.newest()[0].credits
    assert invariants.problems() == []


def test_key_is_refused_when_the_request_differs(
    api: APIClient, alice: User, create_calls: dict[str, Make]
) -> None:
    assert create_calls["A"](api, "k").status_code == 201
    made = Video.objects.count()
    others = [make for name, make in create_calls.items() if name not in {"A", "A, form"}]
    for other in [*others, post("/api/videos", {"prompt": "Another"})]:
        answer = other(api, "k")
        assert (answer.status_code, answer.json()) == (
            409,
            {
                "detail": "This Idempotency-Key was used for another request.",
                "code": "idempotency_mismatch",
            },
        )
    assert Video.objects.count() == made


def test_request_differs_when_its_image_differs(api: APIClient, alice: User) -> None:
    def make(body: bytes) -> Any:
        fields = {"prompt": "A boat", "input_reference": upload(body)}
        return post("/api/videos", fields, "multipart")(api, "k")

    answers = [make(picture()), make(picture()), make(picture(size=(41, 30)))]
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    assert (Video.objects.count(), Upload.objects.count()) == (1, 1)


def test_one_file_is_stored_when_an_upload_is_repeated(api: APIClient, alice: User) -> None:
    def make(body: bytes) -> Any:
        fields = {"file": upload(body, "a.jpg")}
        return post("/api/videos/upload", fields, "multipart")(api, "k")

    first, second, other = make(PHOTO), make(PHOTO), make(PHOTO + b"x")
    assert [answer.status_code for answer in (first, second, other)] == [200, 200, 409]
    assert second.json() == first.json()
    assert second["Idempotent-Replayed"] == "true"
    assert Upload.objects.count() == 1


def test_key_is_free_when_another_user_used_it(api: APIClient, stranger: APIClient) -> None:
    make = post("/api/videos", {"prompt": "A boat"})
    answers = [make(client, "k") for client in (api, stranger)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]


def test_key_is_free_when_the_request_was_refused(api: APIClient, alice: User) -> None:
    credits.spend(alice, 95, "test:spend")
    make = post("/api/videos", {"prompt": "A boat"})
    assert [make(api, "k").status_code for _ in range(2)] == [402, 402]
    credits.grant(alice, 20, credits.Kind.BONUS, "test:more", expires_at=None)
    answer = make(api, "k")
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer
    assert (Video.objects.count(), credits.available(alice)) == (1, 5)


def test_repeated_answer_shows_the_current_status(api: APIClient, alice: User) -> None:
    make = post("/api/videos", {"prompt": "A boat"})
    made = make(api, "k").json()
    state_machine.cancel(Video.objects.get(pk=made["id"]))
    again = make(api, "k")
    assert (again.json()["id"], again.json()["status"]) == (made["id"], "failed")


def test_two_videos_are_created_when_no_key_is_sent(api: APIClient) -> None:
    for _ in range(2):
        api.post("/api/videos", {"prompt": "A boat"}, format="json")
    assert (Video.objects.count(), IdempotencyKey.objects.count()) == (2, 0)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é", "a\tb"])
def test_request_is_refused_when_the_key_is_invalid(api: APIClient, alice: User, key: str) -> None:
    answer = api.post("/api/videos", {"prompt": "A boat"}, format="json", HTTP_IDEMPOTENCY_KEY=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


def test_key_is_free_when_a_day_has_passed(alice: User) -> None:
    video_order, key = orders.VideoOrder("A boat"), RequestKey(alice.pk, "k", "f")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = orders.submit(alice, video_order, key)
        clock.shift(timedelta(hours=24) - timedelta(seconds=1))
        with pytest.raises(AlreadyDone) as raised:
            orders.submit(alice, video_order, key)
        assert raised.value.result == first
        clock.shift(timedelta(seconds=1))
        second = orders.submit(alice, video_order, RequestKey(alice.pk, "k", "another"))
    assert second != first
    assert IdempotencyKey.objects.get().result_id == str(second.pk)


def test_keys_are_deleted_when_a_day_has_passed(alice: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=25)):
        order(alice)
        orders.submit(alice, orders.VideoOrder("A boat"), RequestKey(alice.pk, "old", "f"))
    orders.submit(alice, orders.VideoOrder("A boat"), RequestKey(alice.pk, "new", "f"))
    tasks.delete_expired()
    assert [row.key for row in IdempotencyKey.objects.all()] == ["new"]
    assert Video.objects.count() == 3


# ---- concurrent requests ----


def kinds(results: list[Any]) -> dict[str, int]:
    names = [type(result).__name__ for result in results]
    return {name: names.count(name) for name in set(names)}


@pytest.fixture
def committed_user(transactional_db: None) -> User:
    """A user that is committed, so that other connections see the row."""
    return create_user("erin")


@pytest.mark.django_db(transaction=True)
def test_one_video_is_created_when_fifty_requests_use_one_key_at_once(committed_user: User) -> None:
    make = post("/api/videos", {"prompt": "A boat"})
    clients = [signed_in(committed_user) for _ in range(50)]
    answers = run_concurrently([partial(make, client, "k") for client in clients])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
    assert (Video.objects.count(), credits.available(committed_user)) == (1, 80)
    assert invariants.problems() == []


@pytest.mark.django_db(transaction=True)
def test_one_request_succeeds_when_different_requests_use_one_key_at_once(
    committed_user: User,
) -> None:
    def store(n: int) -> Upload:
        key = RequestKey(committed_user.pk, "k", f"upload {n}")
        return uploads.store_upload(committed_user, upload(PHOTO, "a.jpg"), "image", key)

    ordering = [
        partial(
            orders.submit,
            committed_user,
            orders.VideoOrder("A boat"),
            RequestKey(committed_user.pk, "k", f"order {n}"),
        )
        for n in range(8)
    ]
    results = run_concurrently([*ordering, *(partial(store, n) for n in range(8))])
    assert kinds(results)["IdempotencyMismatch"] == 15
    assert Video.objects.count() + Upload.objects.count() == 1
    assert IdempotencyKey.objects.count() == 1
    assert invariants.problems() == []


@pytest.mark.django_db(transaction=True)
def test_one_file_is_stored_when_equal_uploads_use_one_key_at_once(committed_user: User) -> None:
    def store() -> Upload:
        return uploads.store_upload(
            committed_user, upload(PHOTO, "a.jpg"), "image", RequestKey(committed_user.pk, "k", "f")
        )

    results = run_concurrently([store] * 8)  # a process holds eight files of one user
    assert kinds(results) == {"Upload": 1, "AlreadyDone": 7}
    kept = Upload.objects.get()
    assert {getattr(result, "result", result).pk for result in results} == {kept.pk}


def test_key_mismatch_is_reported_before_the_request_is_checked(alice: User) -> None:
    orders.submit(alice, orders.VideoOrder("A boat"), RequestKey(alice.pk, "k", "f"))
    with pytest.raises(IdempotencyMismatch):
        idempotency.check(RequestKey(alice.pk, "k", "g"))
    idempotency.check(RequestKey(alice.pk, "other", "g"))
    idempotency.check(None)
