"""A frame of an own finished video as an image of the next order."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.conftest import create_user
from tests.markup import flat
from tests.videos.conftest import completed, order
from videos.models import Upload

PICK = "/studio/reference/library/"


def test_finished_videos_are_shown_and_others_are_not(
    page: Client, alice: User, mp4: bytes
) -> None:
    assert "You have no finished video yet." in flat(page.get(PICK))
    made = completed(order(alice, "A boat"), mp4)
    order(alice, "A kite")
    completed(order(create_user("someone"), "A fox"), mp4)
    body = flat(page.get(PICK))
    assert [name for name in ("A boat", "A kite", "A fox") if name in body] == ["A boat"]
    assert f'name="video" value="{made.pk}"' in body


def test_frame_is_taken_and_is_in_the_composer(page: Client, alice: User, mp4: bytes) -> None:
    made = completed(order(alice), mp4)
    answer = page.post(PICK, {"video": str(made.pk), "place": "last"})
    image = Upload.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/studio/?first_image={image.pk}")
    assert (image.user_id, image.name) == (alice.pk, "frame-at-4.0-s.jpg")
    assert f'value="{image.pk}"' in flat(page.get(answer["Location"]))
    quiet = page.post(PICK, {"video": str(made.pk), "quiet": "1"})
    stored = Upload.objects.exclude(pk=image.pk).get()
    assert (quiet.status_code, stored.name) == (201, "frame-at-2.0-s.jpg")
    assert quiet.json() == {"id": str(stored.pk), "name": stored.name}


@pytest.mark.parametrize("video", ["", "x", "0" * 32, "of another user"])
def test_frame_of_another_users_video_is_not_found(page: Client, mp4: bytes, video: str) -> None:
    made = completed(order(create_user("someone")), mp4)
    sent = {"video": str(made.pk) if video == "of another user" else video, "quiet": "1"}
    assert page.post(PICK, sent).status_code == 404
    assert Upload.objects.count() == 0


def test_reason_is_given_when_no_frame_can_be_taken(
    page: Client, alice: User, mp4: bytes, settings: Any
) -> None:
    made = completed(order(alice), mp4)
    settings.UPLOAD_QUOTA_FILES = 0
    sentence = "You have reached the limit of 0 files. Delete some to upload more."
    answer = page.post(PICK, {"video": str(made.pk), "quiet": "1"})
    assert (answer.status_code, answer.json()) == (422, {"detail": sentence})
    assert sentence in flat(page.post(PICK, {"video": str(made.pk)}, follow=True))


def test_sign_in_is_asked_for(client: Client) -> None:
    assert client.get(PICK)["Location"] == f"/accounts/login/?next={PICK}"


def test_list_needs_as_many_queries_for_many_videos(
    page: Client, alice: User, mp4: bytes, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    completed(order(alice), mp4)
    page.get(PICK)
    with django_assert_num_queries(8):
        page.get(PICK)
    for _ in range(3):
        completed(order(alice), mp4)
    with django_assert_num_queries(8):
        page.get(PICK)
