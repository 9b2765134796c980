"""PREFIXED_VIDEO_IDS: ids in the form that system A prints, where its clients read them."""

import re
from uuid import UUID

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import completed, order, running
from videos.models import Video


@pytest.fixture(autouse=True)
def _prefixed(settings: LazySettings) -> None:
    settings.PREFIXED_VIDEO_IDS = True


def prefixed(video_id: UUID) -> str:
    return f"video_{video_id.hex}"


def test_ids_have_the_printed_form_when_a_video_is_created(api: APIClient) -> None:
    made = api.post("/api/videos", {"prompt": "A cat on a motorcycle"}, format="json").json()
    assert re.fullmatch("video_[0-9a-f]{32}", made["id"])
    assert made["openai_video_id"] == made["id"]
    assert made["id"] == prefixed(Video.objects.get().pk)
    assert api.get(f"/api/videos/{made['id']}").json()["id"] == made["id"]


def test_engines_id_is_shown_when_an_engine_has_taken_the_job(api: APIClient, alice: User) -> None:
    video = running(order(alice))
    shown = api.get(f"/api/videos/{video.pk}").json()
    assert (shown["id"], shown["openai_video_id"]) == (prefixed(video.pk), video.engine_job_id)


def test_ids_have_the_printed_form_when_videos_are_listed(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    source = completed(order(alice), mp4)
    made = api.post(f"/api/videos/{source.pk}/remix", {"prompt": "In snow"}, format="json").json()
    body = api.get("/api/videos").json()
    assert [(v["id"], v["remix_of"]) for v in body["videos"]] == [
        (made["id"], prefixed(source.pk)),
        (prefixed(source.pk), None),
    ]
    assert (body["first_id"], body["last_id"]) == (made["id"], prefixed(source.pk))
    after = api.get(f"/api/videos?after={body['first_id']}").json()["videos"]
    assert [video["id"] for video in after] == [prefixed(source.pk)]


def test_ids_stay_uuids_on_the_paths_of_the_other_systems(api: APIClient, alice: User) -> None:
    video = order(alice)
    status = api.get(f"/api/videos/status/{prefixed(video.pk)}").json()
    assert (status["id"], status["openai_video_id"], status["openaiVideoId"]) == (
        str(video.pk),
        None,
        None,
    )
    assert api.get(f"/api/tasks/{video.pk}").json()["task_id"] == str(video.pk)
