"""result_url: a signed URL that serves the file of a finished task for a limited time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import completed, order
from videos import signed_urls
from videos.engines.base import Variant
from videos.jobs import removal
from videos.models import Video


@pytest.fixture
def done(alice: User, mp4: bytes) -> Video:
    return completed(order(alice), mp4)


@pytest.fixture
def address(api: APIClient, done: Video) -> str:
    url: str = api.get(f"/api/videos/tasks/{done.pk}").json()["result_url"]
    return url


def test_url_works_when_anonymous(
    anonymous: APIClient, stranger: APIClient, address: str, settings: LazySettings, mp4: bytes
) -> None:
    assert address.startswith(f"{settings.BASE_URL}/api/videos/")
    for client in (anonymous, stranger):
        answer = client.get(address)
        assert (answer.status_code, answer["Content-Type"]) == (200, "video/mp4")
        assert answer["Content-Length"] == str(len(mp4))
        assert client.head(address).status_code == 200
        assert client.get(address, HTTP_RANGE="bytes=0-0").status_code == 206


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("variant=video", "variant=thumbnail"),
        ("expires=", "expires=9"),
        ("signature=", "signature=x"),
        ("signature=", "signed="),
        ("signature=", "signature=%00"),
        ("expires=", "expires=x"),
    ],
)
def test_url_is_refused_when_a_character_is_changed(
    anonymous: APIClient, stranger: APIClient, address: str, old: str, new: str
) -> None:
    changed = address.replace(old, new, 1)
    assert changed != address
    anonymous_answer, other_answer = anonymous.get(changed), stranger.get(changed)
    assert (anonymous_answer.status_code, anonymous_answer.json()) == (
        401,
        {"detail": "Not authenticated"},
    )
    assert (other_answer.status_code, other_answer.json()) == (
        404,
        {"detail": "Resource not found"},
    )


def test_url_is_refused_when_it_names_another_video(
    anonymous: APIClient, alice: User, done: Video, address: str, mp4: bytes
) -> None:
    other = completed(order(alice), mp4)
    assert anonymous.get(address.replace(str(done.pk), str(other.pk))).status_code == 401
    assert anonymous.get(address.replace(str(done.pk), str(uuid4()))).status_code == 401


def test_url_is_refused_when_it_has_expired(done: Video) -> None:
    start = datetime(2026, 1, 1, 9, 59, 59, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        url = signed_urls.signed_url(done)
        expires, signature = (part.partition("=")[2] for part in url.split("&")[1:])
        works: list[Any] = []
        for step in (timedelta(hours=24), timedelta(seconds=1)):
            clock.shift(step)
            works.append(signed_urls.allows(done.pk, Variant.VIDEO, int(expires), signature))
    assert works == [True, False]


def test_url_is_refused_when_the_video_is_deleted(
    anonymous: APIClient, done: Video, address: str
) -> None:
    removal.delete(done)
    answer = anonymous.get(address)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Resource not found"})


def test_url_is_refused_when_the_owner_requested_deletion(
    anonymous: APIClient, alice: User, address: str
) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert anonymous.get(address).status_code == 404


def test_video_has_no_url_when_it_has_not_finished(api: APIClient, alice: User) -> None:
    assert api.get(f"/api/tasks/{order(alice).pk}").json()["result_url"] is None
