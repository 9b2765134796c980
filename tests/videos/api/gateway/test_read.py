"""GET and DELETE under /v1: lists, files, deletion, models."""

from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.api.gateway.test_create import error_of
from tests.videos.conftest import completed, failed, order
from videos.models import Video

URL = "/v1/videos"


def name_of(video: Video) -> str:
    return f"video_{video.pk.hex}"


def listed(api: APIClient, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{URL}{query}").json()
    return {**found, "data": [each["id"] for each in found["data"]]}


def test_list_is_read_page_by_page_in_both_orders(api: APIClient, alice: User, bob: User) -> None:
    order(bob)
    first, second, third = (name_of(order(alice)) for _ in range(3))
    page = {"object": "list", "first_id": third, "last_id": second, "has_more": True}
    assert listed(api, "?limit=2") == {**page, "data": [third, second]}
    assert listed(api, f"?limit=2&after={second}")["data"] == [first]
    assert listed(api, f"?limit=2&after={second}")["has_more"] is False
    assert listed(api, "?order=asc")["data"] == [first, second, third]
    assert listed(api, f"?order=asc&after={third}") == {
        "object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False,
    }  # fmt: skip
    assert listed(api, "?limit=0")["data"] == []


def test_list_goes_on_after_a_video_that_was_deleted(
    api: APIClient, stranger: APIClient, alice: User
) -> None:
    first, second, third = (name_of(order(alice)) for _ in range(3))
    api.delete(f"{URL}/{second}")
    assert listed(api, f"?after={second}")["data"] == [first]
    assert listed(api, f"?after={second}&order=asc")["data"] == [third]
    assert error_of(stranger.get(f"{URL}?after={second}")) == (400, "after", "invalid_value")


def test_list_takes_the_same_queries_for_any_number_of_videos(
    api: APIClient, alice: User, django_assert_num_queries: Any
) -> None:
    for _ in range(2):
        failed(order(alice))
        with django_assert_num_queries(2):
            assert api.get(URL).status_code == 200


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("order=up", "order"),
        ("after=video_0", "after"),
        ("after=video_" + "0" * 32, "after"),
    ],
)
def test_list_is_refused_by_name_when_the_query_is_wrong(
    api: APIClient, query: str, param: str
) -> None:
    assert error_of(api.get(f"{URL}?{query}")) == (400, param, "invalid_value")


def test_failed_video_says_why_in_its_error(api: APIClient, alice: User) -> None:
    video = failed(order(alice), "moderation_blocked")
    answer = api.get(f"{URL}/{name_of(video)}")
    assert (answer.json()["status"], answer.json()["error"]) == (
        "failed",
        {"code": "moderation_blocked", "message": "The content check stopped this prompt."},
    )
    assert "openai-poll-after-ms" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("DELETE", ""), ("GET", "/content"), ("HEAD", "/content"), ("POST", "/remix"),
    ],
)  # fmt: skip
def test_video_of_another_user_is_404_on_every_path(
    stranger: APIClient, alice: User, mp4: bytes, method: str, path: str
) -> None:
    video = completed(order(alice), mp4)
    for name in (name_of(video), str(video.pk), f"video_{uuid4().hex}", "video_0", "a b"):
        answer = stranger.generic(method, f"{URL}/{name}{path}", "{}", "application/json")
        assert answer.status_code == 404
        if method != "HEAD":
            assert error_of(answer) == (404, None, None)
    assert Video.objects.of(alice).count() == 1


@pytest.mark.parametrize("path", ["edits", "extensions"])
def test_video_of_another_user_is_404_when_a_body_names_it(
    stranger: APIClient, alice: User, mp4: bytes, path: str
) -> None:
    name = name_of(completed(order(alice), mp4))
    body = {"prompt": "At night", "seconds": "4", "video": {"id": name}}
    assert error_of(stranger.post(f"{URL}/{path}", body, format="json")) == (404, None, None)
    assert Video.objects.count() == 1


def body_of(answer: Any) -> bytes:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(read)()


def test_files_are_sent_whole_and_in_parts_whatever_is_accepted(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    path = f"{URL}/{name_of(completed(order(alice), mp4))}/content"
    answer = api.get(path, headers={"Accept": "application/binary"})
    assert (answer["Content-Type"], body_of(answer)) == ("video/mp4", mp4)
    part = api.get(path, headers={"Accept": "application/binary", "Range": "bytes=4-7"})
    assert (part.status_code, body_of(part)) == (206, b"ftyp")
    head = api.head(path)
    assert (head.status_code, head["Content-Length"], head.content) == (200, str(len(mp4)), b"")
    same = api.get(path, headers={"If-None-Match": answer["ETag"]})
    assert (same.status_code, same["Content-Type"]) == (304, "video/mp4")
    for variant, kind in (("thumbnail", "image/webp"), ("spritesheet", "image/jpeg")):
        assert api.get(f"{path}?variant={variant}")["Content-Type"] == kind
    outside = api.get(path, headers={"Range": f"bytes={len(mp4)}-"})
    assert error_of(outside) == (416, None, "range_not_satisfiable")
    assert outside["Content-Range"] == f"bytes */{len(mp4)}"
    wrong = api.get(f"{path}?variant=poster", headers={"Accept": "application/binary"})
    assert error_of(wrong) == (400, "variant", "invalid_value")


def test_file_is_404_when_the_video_is_not_finished(api: APIClient, alice: User) -> None:
    answer = api.get(f"{URL}/{order(alice).pk}/content")
    assert (error_of(answer), answer.json()["error"]["message"]) == (
        (404, None, None),
        "The video has no file yet.",
    )


def test_running_video_is_cancelled_and_deleted(api: APIClient, alice: User) -> None:
    video = order(alice)
    answer = api.delete(f"{URL}/{name_of(video)}")
    assert (answer.status_code, answer.json()) == (
        200,
        {"id": name_of(video), "object": "video.deleted", "deleted": True},
    )
    assert (Video.objects.of(alice).count(), Video.objects.get().status) == (0, "cancelled")


def test_models_are_those_that_an_order_may_name(api: APIClient) -> None:
    listed = api.get("/v1/models").json()
    assert listed["object"] == "list"
    for model in listed["data"]:
        assert api.get(f"/v1/models/{model['id']}").json() == model
        made = api.post(URL, {"prompt": "A", "model": model["id"]}, format="json")
        assert (made.status_code, made.json()["model"]) == (200, model["id"])
    assert error_of(api.get("/v1/models/gpt/4")) == (404, None, "model_not_found")
