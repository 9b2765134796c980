"""System B's own addresses: create, status, download and remix, in its names beside ours."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.videos.conftest import completed, order, picture, reloaded, running, upload
from videos.models import Upload, Video

ALIASES = {"userId", "openaiVideoId", "videoUrl", "thumbnailUrl", "createdAt", "updatedAt"}


def iso(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def done(alice: User, mp4: bytes) -> Video:
    return completed(order(alice), mp4)


@pytest.mark.parametrize("format", ["json", "multipart"])
def test_create_alias_answers_also_with_the_names_of_system_b(
    api: APIClient, alice: User, format: str
) -> None:
    body = {"prompt": "A boat", "model": "sora-2-pro", "size": "720x1280", "seconds": "12"}
    answer = api.post("/api/videos/create", body, format=format)
    video = Video.objects.get()
    shown = answer.json()
    assert answer.status_code == 201
    assert {name: shown.pop(name) for name in ALIASES} == {
        "userId": str(alice.pk),
        "openaiVideoId": None,
        "videoUrl": None,
        "thumbnailUrl": None,
        "createdAt": iso(video.created_at),
        "updatedAt": iso(video.updated_at),
    }
    assert shown.pop("seconds") == 12
    plain = api.get(f"/api/videos/{video.pk}").json()
    assert plain.pop("seconds") == "12"
    assert shown == plain
    assert credits.available(alice) == 70


def test_create_alias_uses_the_image_as_first_frame_when_one_is_sent(api: APIClient) -> None:
    fields = {"prompt": "A boat", "input_reference": upload(picture())}
    answer = api.post("/api/videos/create", fields, format="multipart")
    assert (answer.status_code, answer.json()["credits"]) == (201, 25)
    assert Video.objects.get().first_image == Upload.objects.get()


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"prompt": "a", "model": "sora-9"}, 400), ({"prompt": "a", "seconds": 5}, 400)],
)
def test_create_alias_refuses_what_the_main_address_refuses(
    api: APIClient, body: dict[str, Any], status: int
) -> None:
    mine = api.post("/api/videos/create", body, format="json")
    theirs = api.post("/api/videos", body, format="json")
    assert (mine.status_code, mine.content) == (status, theirs.content)


# ---- status ----


@pytest.mark.parametrize("address", ["/api/videos/status/{}", "/api/videos/status?id={}"])
@pytest.mark.parametrize("spelling", ["{}", "video_{}"])
def test_status_shows_the_video_at_both_addresses_in_either_spelling_of_its_id(
    api: APIClient, done: Video, settings: LazySettings, address: str, spelling: str
) -> None:
    name = spelling.format(done.pk.hex if "_" in spelling else done.pk)
    answer = api.get(address.format(name))
    assert answer.status_code == 200
    urls = {name: answer.json()[name] for name in ("id", "videoUrl", "thumbnailUrl", "status")}
    content = f"{settings.BASE_URL}/api/videos/{done.pk}"
    assert urls == {
        "id": str(done.pk),
        "videoUrl": f"{content}/download",
        "thumbnailUrl": f"{content}/content?variant=thumbnail",
        "status": "completed",
    }


@pytest.mark.parametrize("address", ["/api/videos/status/{}", "/api/videos/status?id={}"])
def test_status_polls_the_engine_at_once(api: APIClient, alice: User, address: str) -> None:
    video = running(order(alice))
    Video.objects.filter(pk=video.pk).update(next_step_at=timezone.now() + timedelta(hours=1))
    assert api.get(address.format(video.pk)).json()["status"] == "in_progress"
    due = reloaded(video).next_step_at
    assert due
    assert due <= timezone.now()


def test_status_takes_three_queries_when_the_video_is_completed(
    api: APIClient, done: Video, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):
        api.get(f"/api/videos/status/{done.pk}")


@pytest.mark.parametrize("query", ["", "?id=", "?id=abc", "?id=%00", "?id=video_1", "?video=1"])
def test_status_is_422_when_the_query_has_no_id(api: APIClient, query: str) -> None:
    answer = api.get(f"/api/videos/status{query}")
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["detail"]] == [["query", "id"]]


# ---- download ----


def test_download_is_the_mp4_as_an_attachment(api: APIClient, done: Video, mp4: bytes) -> None:
    answer: Any = api.get(f"/api/videos/{done.pk}/download")
    assert (answer.status_code, answer["Content-Type"]) == (200, "video/mp4")
    assert answer["Content-Disposition"] == f'attachment; filename="{done.pk}.mp4"'
    assert int(answer["Content-Length"]) == len(mp4)
    part = api.get(f"/api/videos/{done.pk}/download", HTTP_RANGE="bytes=0-9")
    assert (part.status_code, part["Content-Range"]) == (206, f"bytes 0-9/{len(mp4)}")


def test_download_is_404_when_the_video_has_no_file_yet(api: APIClient, alice: User) -> None:
    answer = api.get(f"/api/videos/{running(order(alice)).pk}/download")
    assert (answer.status_code, answer.json()) == (404, {"detail": "The video has no file yet."})


# ---- remix ----


@pytest.mark.parametrize("format", ["json", "multipart"])
def test_remix_aliases_order_a_new_version(api: APIClient, done: Video, format: str) -> None:
    by_path = api.post(f"/api/videos/remix/{done.pk}", {"prompt": "At night"}, format=format)
    body = {"prompt": "At dawn", "remix_video_id": f"video_{done.pk.hex}"}
    by_body = api.post("/api/videos/remix", body, format=format)
    assert [answer.status_code for answer in (by_path, by_body)] == [201, 201]
    for answer, prompt in ((by_path, "At night"), (by_body, "At dawn")):
        shown = answer.json()
        assert (shown["prompt"], shown["remix_of"], shown["seconds"]) == (prompt, str(done.pk), 4)
        assert set(shown) >= ALIASES


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": "x"}, "remix_video_id"),
        ({"prompt": "x", "remix_video_id": "abc"}, "remix_video_id"),
        ({"prompt": "x", "remix_video_id": None}, "remix_video_id"),
        ({"prompt": "x", "remix_video_id": []}, "remix_video_id"),
        ({"remix_video_id": str(uuid4())}, "prompt"),
    ],
)
def test_remix_by_body_is_422_and_names_the_field_when_it_is_invalid(
    api: APIClient, body: dict[str, Any], field: str
) -> None:
    answer = api.post("/api/videos/remix", body, format="json")
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["detail"]] == [["body", field]]


def test_remix_aliases_are_400_when_the_source_is_not_completed(
    api: APIClient, alice: User
) -> None:
    answer = api.post(f"/api/videos/remix/{order(alice).pk}", {"prompt": "x"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "not_possible")


# ---- every address, every id ----

LITERALS = {
    "create": (405, "post"),
    "status": (422, "get"),
    "remix": (405, "post"),
    "upload": (405, "post"),
    "text-to-video": (405, "post"),
    "image-to-video": (405, "post"),
}


@pytest.mark.parametrize("word", LITERALS)
def test_a_literal_path_is_never_read_as_an_id(api: APIClient, word: str) -> None:
    status, _ = LITERALS[word]
    assert api.get(f"/api/videos/{word}").status_code == status
    assert api.delete(f"/api/videos/{word}").status_code == 405


@pytest.mark.parametrize(
    "word", ["tasks", "uploads", "sora", "creates", "statuses", "tasks/", "upload/"]
)
def test_an_unknown_path_is_404(api: APIClient, word: str) -> None:
    answer = api.get(f"/api/videos/{word}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Resource not found"})


DOORS = [
    ("get", "/api/videos/{}"),
    ("delete", "/api/videos/{}"),
    ("get", "/api/videos/{}/content"),
    ("get", "/api/videos/{}/download"),
    ("post", "/api/videos/{}/remix"),
    ("get", "/api/videos/status/{}"),
    ("get", "/api/videos/status?id={}"),
    ("post", "/api/videos/remix/{}"),
    ("get", "/api/videos/tasks/{}"),
    ("get", "/api/tasks/{}"),
    ("delete", "/api/tasks/{}"),
    ("post", "/api/tasks/{}/retry"),
]


def test_four_addresses_show_one_video_in_four_formats(api: APIClient, alice: User) -> None:
    video = running(order(alice), progress=42.0)
    own, alias, status, detail = (
        api.get(address.format(video.pk)).json()
        for address in (
            "/api/videos/{}",
            "/api/videos/status/{}",
            "/api/videos/tasks/{}",
            "/api/tasks/{}",
        )
    )
    iso = f"{video.created_at:%Y-%m-%dT%H:%M:%SZ}"
    seconds = int(video.created_at.timestamp())
    names = ("status", "progress", "seconds", "created_at", "createdAt")
    assert [[body.get(name) for name in names] for body in (own, alias, status, detail)] == [
        ["in_progress", 42, "4", seconds, None],
        ["in_progress", 42, 4, seconds, iso],
        ["PROCESSING", 42.0, None, iso, None],
        ["processing", 42.0, None, iso, None],
    ]


@pytest.mark.parametrize(("method", "address"), DOORS)
def test_both_spellings_of_an_id_find_the_same_video(
    api: APIClient, done: Video, method: str, address: str
) -> None:
    call = getattr(api, method)
    body = {} if method == "get" else {"data": {"prompt": "At night"}, "format": "json"}
    names = (str(done.pk), str(done.pk).upper(), f"video_{done.pk.hex}")
    codes = []
    for name in names:
        codes.append(call(address.format(name), **body).status_code)
        Video.objects.filter(pk=done.pk).update(deleted_at=None)
    assert len(set(codes)) == 1
    assert codes[0] in {200, 201, 400}


@pytest.mark.parametrize(("method", "address"), DOORS)
def test_aliases_answer_another_user_like_an_unknown_id(
    stranger: APIClient, done: Video, method: str, address: str
) -> None:
    call = getattr(stranger, method)
    body = {} if method == "get" else {"data": {"prompt": "At night"}, "format": "json"}
    his, unknown = (call(address.format(pk), **body) for pk in (done.pk, uuid4()))
    assert (his.status_code, his.json()) == (404, {"detail": "Resource not found"})
    assert his.content == unknown.content


def test_remix_by_body_is_404_when_the_video_belongs_to_another_user(
    stranger: APIClient, done: Video
) -> None:
    body = {"prompt": "x", "remix_video_id": str(done.pk)}
    assert stranger.post("/api/videos/remix", body, format="json").status_code == 404


@pytest.mark.parametrize(
    ("method", "address"),
    [*DOORS, ("post", "/api/videos/create"), ("post", "/api/videos/remix")],
)
def test_aliases_are_401_when_anonymous(
    anonymous: APIClient, done: Video, method: str, address: str
) -> None:
    answer = getattr(anonymous, method)(address.format(done.pk))
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


def test_list_starts_after_an_id_in_either_spelling(api: APIClient, alice: User) -> None:
    first, second = order(alice, "1"), order(alice, "2")
    for name in (str(second.pk), f"video_{second.pk.hex}"):
        shown = api.get(f"/api/videos?after={name}").json()["videos"]
        assert [video["id"] for video in shown] == [str(first.pk)]


@pytest.mark.parametrize("word", ["in_progress", "PROCESSING", "processing", "RUNNING"])
def test_list_filters_by_status_in_any_spelling(api: APIClient, alice: User, word: str) -> None:
    order(alice)
    video = running(order(alice))
    shown = api.get(f"/api/videos?status={word}").json()["videos"]
    assert [one["id"] for one in shown] == [str(video.pk)]
