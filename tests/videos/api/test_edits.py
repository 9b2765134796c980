"""/api/videos/{id}/edits and /api/edits."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.videos.conftest import order, photo, upload
from tests.videos.editing.conftest import finished, fresh, make_edits, ordered, wav
from videos.models import MediaJob, Video

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["make_edits"]


@pytest.fixture
def source(alice: User) -> Video:
    return finished(alice)


def post(api: APIClient, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return api.post(path, body or {}, format="json", headers=headers)


def edit(api: APIClient, video: Video, **body: Any) -> Any:
    return post(api, f"/api/videos/{video.pk}/edits", body)


def test_edit_is_ordered_made_and_named_by_its_video(
    api: APIClient, source: Video, make_edits: Callable[..., None]
) -> None:
    answer = edit(api, source, trim={"start": 0.25}, speed=2, reframe={"aspect": "1:1"})
    assert answer.status_code == 201
    found = answer.json()
    assert (found["status"], found["video_id"], found["result_id"], found["credits"]) == (
        "queued", str(source.pk), None, 0,
    )  # fmt: skip
    assert found["recipe"] == {
        "trim": {"start": 0.25, "end": None}, "join": None,
        "reframe": {"aspect": "1:1", "fit": "crop", "position": 0.5},
        "speed": 2.0, "loops": 1, "mute": False, "sound": None, "poster": None,
    }  # fmt: skip
    make_edits()
    done = api.get(f"/api/edits/{found['id']}").json()
    assert (done["status"], done["progress"], done["result_id"]) == ("succeeded", 100, found["id"])
    made = api.get(f"/api/videos/{done['result_id']}").json()
    assert (made["operation"], made["edit_of"], made["remix_of"], made["size"]) == (
        "edit", str(source.pk), None, "48x48",
    )  # fmt: skip
    assert api.get(f"/api/videos/{done['result_id']}/content").status_code == 200


def test_uploaded_sound_is_added_to_a_video(
    api: APIClient, source: Video, make_edits: Callable[..., None]
) -> None:
    file = upload(wav(700, 0.3), "song.wav", "audio/wav")
    stored = api.post("/api/videos/upload", {"file": file, "file_type": "audio"})
    assert (stored.status_code, stored.json()["content_type"]) == (200, "audio/wav")
    sound = {"file_url": stored.json()["file_url"], "mode": "mix", "repeat": True}
    answer = edit(api, source, sound=sound)
    assert answer.status_code == 201
    make_edits()
    assert MediaJob.objects.get().status == "succeeded"


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("song.mp3", b"RIFF" + b"x" * 2000, "The file is not an MP3 file."),
        ("song.wav", b"RIFF\0\0\0\0WAVE" + b"x" * 2000, "The sound cannot be played."),
        ("song.ogg", photo(), "The file is not an Ogg file."),
        ("song.flac", b"fLaC" + b"x" * 2000,
         "Invalid file type. Allowed for audio: .mp3, .m4a, .wav, .ogg."),
    ],
)  # fmt: skip
def test_file_that_is_no_sound_is_refused(
    name: str, body: bytes, said: str, api: APIClient
) -> None:
    file = upload(body, name, "audio/mpeg")
    answer = api.post("/api/videos/upload", {"file": file, "file_type": "audio"})
    assert (answer.status_code, answer.json()["detail"]) == (400, said)


@pytest.mark.parametrize(
    "body",
    [
        {"trim": {"start": -1}},
        {"trim": {"start": "1"}},
        {"trim": {"start": True}},
        {"trim": 3},
        {"speed": 5},
        {"loop": 0},
        {"reframe": {"aspect": "4:3"}},
        {"reframe": {}},
        {"join": {"videos": []}},
        {"join": {"videos": [str(uuid4())]}},
        {"join": {"videos": ["x"], "fit": "stretch"}},
        {"sound": {"file_url": "http://elsewhere.example/a.mp3"}},
        {"poster": -1},
        {"mute": True, "loops": 2},
    ],
)
def test_bad_edit_is_answered_422_and_writes_nothing(
    body: dict[str, Any], api: APIClient, source: Video
) -> None:
    assert edit(api, source, **body).status_code == 422
    assert MediaJob.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "recipe"),
        ({"trim": {"start": 3, "end": 2}}, "trim"),
        ({"trim": {"start": 9}}, "trim"),
        ({"trim": {"start": 0}}, "recipe"),
        ({"trim": {"start": 1, "end": 1.01}}, "trim"),
        ({"poster": 9999}, "poster"),
        ({"speed": 0.25, "loop": 20, "trim": {"start": 0}}, "recipe"),
    ],
)
def test_impossible_edit_is_answered_400_with_its_field(
    body: dict[str, Any], field: str, api: APIClient, source: Video, settings: LazySettings
) -> None:
    settings.EDIT_MAX_SECONDS = 60
    answer = edit(api, source, **body)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        400, "not_editable", field,
    )  # fmt: skip


def test_unfinished_video_cannot_be_edited(api: APIClient, alice: User) -> None:
    assert edit(api, order(alice), mute=True).status_code == 400


def test_repeated_request_is_carried_out_once(
    api: APIClient, source: Video, settings: LazySettings
) -> None:
    settings.EDIT_CREDITS = 5
    had = credits.available(source.user)
    path = f"/api/videos/{source.pk}/edits"
    answers = [post(api, path, {"mute": True}, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert (MediaJob.objects.count(), credits.available(source.user)) == (1, had - 5)
    assert post(api, path, {"loop": 2}, **{"Idempotency-Key": "k"}).status_code == 409


def test_price_is_agreed_and_has_to_be_paid(
    api: APIClient, source: Video, settings: LazySettings
) -> None:
    settings.EDIT_CREDITS = 5
    assert edit(api, source, mute=True, max_credits=4).status_code == 409
    settings.EDIT_CREDITS = 10_000
    assert edit(api, source, mute=True).status_code == 402
    assert MediaJob.objects.count() == 0


def test_too_many_edits_are_answered_429(
    api: APIClient, source: Video, settings: LazySettings
) -> None:
    settings.EDITS_WAITING = 1
    assert edit(api, source, mute=True).status_code == 201
    answer = edit(api, source, mute=True)
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (
        429, "too_many_edits", "60",
    )  # fmt: skip


def test_edit_is_cancelled_and_retried(api: APIClient, source: Video) -> None:
    job = ordered(source.user, source, mute=True)
    assert post(api, f"/api/edits/{job.pk}/retry").status_code == 400
    cancelled = post(api, f"/api/edits/{job.pk}/cancel")
    assert (cancelled.status_code, cancelled.json()["failure"]) == (
        200, {"code": "cancelled", "message": "You cancelled this edit.", "refunded": 0},
    )  # fmt: skip
    assert post(api, f"/api/edits/{job.pk}/cancel").status_code == 400
    again = post(api, f"/api/edits/{job.pk}/retry")
    assert (again.status_code, again.json()["retry_of"]) == (201, str(job.pk))
    assert post(api, f"/api/edits/{job.pk}/retry").status_code == 400
    assert MediaJob.objects.count() == 2


def test_edits_are_private(
    api: APIClient, stranger: APIClient, anonymous: APIClient, source: Video
) -> None:
    job = ordered(source.user, source, mute=True)
    paths = [
        f"/api/videos/{source.pk}/edits",
        *(f"/api/edits/{job.pk}/{a}" for a in ("cancel", "retry")),
    ]
    for path in paths:
        assert post(stranger, path, {"mute": True}).status_code == 404
        assert post(anonymous, path, {"mute": True}).status_code == 401
    assert stranger.get(f"/api/edits/{job.pk}").status_code == 404
    assert anonymous.get("/api/edits").status_code == 401
    assert stranger.get("/api/edits").json()["edits"] == []
    assert fresh(job).status == "queued"


def test_strangers_video_or_sound_cannot_be_used(
    api: APIClient, stranger: APIClient, source: Video
) -> None:
    file = upload(wav(700, 0.3), "song.wav", "audio/wav")
    stored = api.post("/api/videos/upload", {"file": file, "file_type": "audio"}).json()
    own = finished(User.objects.get(username="bob"))
    sound = edit(stranger, own, sound={"file_url": stored["file_url"]})
    joined = edit(stranger, own, join={"videos": [str(source.pk)]})
    assert (sound.status_code, joined.status_code) == (422, 422)


def test_list_of_edits_is_newest_first_and_costs_the_same_queries(
    api: APIClient, source: Video, django_assert_num_queries: Callable[..., Any]
) -> None:
    made = [ordered(source.user, source, speed=speed) for speed in (2.0, 3.0, 4.0)]
    api.get("/api/edits")
    with django_assert_num_queries(4):
        page = api.get("/api/edits?limit=1").json()
    with django_assert_num_queries(4):
        whole = api.get("/api/edits").json()
    assert [each["id"] for each in whole["edits"]] == [str(job.pk) for job in reversed(made)]
    assert (page["total"], page["has_more"]) == (3, True)
    rest = api.get(f"/api/edits?after={page['last_id']}&status=queued").json()
    assert [each["id"] for each in rest["edits"]] == [str(made[1].pk), str(made[0].pk)]
