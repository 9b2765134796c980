"""GET /api/videos/<id>: one video, as it stands."""

from uuid import uuid4

import pytest
from django.conf import LazySettings
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import completed, failed, order, reloaded, running
from videos.jobs import removal, state_machine
from videos.models import Video


def test_detail_shows_status_and_progress_when_the_video_renders(
    api: APIClient, alice: User
) -> None:
    video = running(order(alice), progress=45.7)
    body = api.get(f"/api/videos/{video.pk}").json()
    assert (body["status"], body["progress"]) == ("in_progress", 45)
    assert (body["openai_video_id"], body["file_path"]) == (video.engine_job_id, None)


def test_detail_shows_urls_and_files_when_the_video_is_completed(
    api: APIClient, alice: User, mp4: bytes, settings: LazySettings
) -> None:
    video = completed(order(alice), mp4)
    body = api.get(f"/api/videos/{video.pk}").json()
    address = f"{settings.BASE_URL}/api/videos/{video.pk}/content"
    assert video.completed_at
    assert body == {
        "id": str(video.pk),
        "user_id": str(alice.pk),
        "openai_video_id": video.engine_job_id,
        "title": "A paper boat",
        "prompt": "A paper boat",
        "model": "sora-2",
        "made_with": {"model": "sora-2", "label": "Sora 2"},
        "seed": None,
        "negative_prompt": None,
        "audio": None,
        "size": "1280x720",
        "seconds": "4",
        "status": "completed",
        "progress": 100,
        "queue_position": None,
        "tags": [],
        "created_at": int(video.created_at.timestamp()),
        "completed_at": int(video.completed_at.timestamp()),
        "file_path": f"videos/{alice.pk}/{video.pk}.mp4",
        "thumbnail_path": f"videos/{alice.pk}/{video.pk}.webp",
        "video_url": address,
        "thumbnail_url": f"{address}?variant=thumbnail",
        "error_message": None,
        "failure": None,
        "has_input_reference": False,
        "has_last_image": False,
        "has_reference_images": False,
        "operation": "text",
        "remix_of": None,
        "edit_of": None,
        "take": None,
        "credits": 20,
        "expires_at": None,
    }


def test_detail_shows_the_failure_when_the_video_failed(api: APIClient, alice: User) -> None:
    video = failed(order(alice), "moderation_blocked")
    body = api.get(f"/api/videos/{video.pk}").json()
    sentence = "The content check stopped this prompt."
    assert (body["status"], body["error_message"], body["video_url"]) == ("failed", sentence, None)
    assert body["failure"] == {
        "code": "moderation_blocked",
        "message": sentence,
        "refunded": 20,
        "returned": "Your 20 credits were returned.",
        "remedy": {
            "code": "rephrase",
            "text": "Describe the scene in other words.",
            "field": "prompt",
            "value": None,
        },
    }


def test_detail_hides_the_engines_message_when_the_video_failed(
    api: APIClient, alice: User
) -> None:
    video = failed(order(alice), "weird_code")
    stored = reloaded(video)
    assert (stored.failure_code, stored.failure_detail) == ("weird_code", "It broke.")
    assert video.events.get(status="failed").note == "It broke."
    shown = api.get(f"/api/videos/{video.pk}").content.decode()
    assert "It broke." not in shown
    assert "weird_code" not in shown


def test_detail_shows_failed_with_the_reason_when_the_video_was_cancelled(
    api: APIClient, alice: User
) -> None:
    video = order(alice)
    state_machine.cancel(video)
    body = api.get(f"/api/videos/{video.pk}").json()
    assert (body["status"], body["error_message"]) == ("failed", "You cancelled this.")
    assert body["failure"]["code"] == "cancelled"


def test_detail_answers_another_user_like_an_unknown_id(stranger: APIClient, alice: User) -> None:
    his = stranger.get(f"/api/videos/{order(alice).pk}")
    unknown = stranger.get(f"/api/videos/{uuid4()}")
    assert (his.status_code, his.json()) == (404, {"detail": "Resource not found"})
    assert his.content == unknown.content


def test_detail_is_404_when_the_video_was_deleted(api: APIClient, alice: User) -> None:
    video = order(alice)
    removal.delete(video)
    assert api.get(f"/api/videos/{video.pk}").status_code == 404


@pytest.mark.parametrize("word", ["abc", "1", "creates", "video_1", "%00", "../auth/me", "x" * 500])
def test_detail_is_404_in_json_when_the_path_has_no_id(api: APIClient, word: str) -> None:
    answer = api.get(f"/api/videos/{word}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Resource not found"})


def test_detail_finds_the_video_when_the_id_is_in_capitals(api: APIClient, alice: User) -> None:
    answer = api.get(f"/api/videos/{str(order(alice).pk).upper()}")
    assert answer.status_code in {200, 404}
    assert answer["Content-Type"] == "application/json"


def test_detail_takes_four_queries_when_the_video_waits(
    api: APIClient, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    address = f"/api/videos/{order(alice).pk}"
    with django_assert_num_queries(4):
        api.get(address)


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_detail_is_401_when_anonymous(anonymous: APIClient, alice: User, method: str) -> None:
    video = order(alice)
    answer = getattr(anonymous, method)(f"/api/videos/{video.pk}")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})
    assert Video.objects.count() == 1


def test_detail_is_405_in_json_when_the_method_is_unknown(api: APIClient, alice: User) -> None:
    answer = api.put(f"/api/videos/{order(alice).pk}", {}, format="json")
    assert (answer.status_code, answer.json()) == (405, {"detail": 'Method "PUT" not allowed.'})
