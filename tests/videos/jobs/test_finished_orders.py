"""The same order again: the studio offers what it has made, and the API makes another."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.conftest import create_user
from tests.markup import flat
from tests.videos.conftest import completed, picture, upload
from videos.catalog.offers import Choices
from videos.jobs import orders, removal
from videos.jobs.finished_orders import find_finished
from videos.media import uploads
from videos.models import Video

BOAT = orders.VideoOrder("A boat", "sora-2", "1280x720", 4)
FORM = {"prompt": "A boat", "go": "1", "model": "sora-2", "size": "1280x720", "seconds": "4"}


def made(user: User, mp4: bytes, asked: orders.VideoOrder = BOAT) -> Video:
    return completed(orders.submit(user, asked), mp4)


def test_newest_finished_video_of_the_same_order_is_found(alice: User, mp4: bytes) -> None:
    assert find_finished(alice, BOAT) is None
    orders.submit(alice, BOAT)
    assert find_finished(alice, BOAT) is None
    made(alice, mp4)
    newest = made(alice, mp4)
    assert find_finished(alice, BOAT) == newest
    assert find_finished(alice, replace(BOAT, model="")) == newest
    assert find_finished(create_user("someone"), BOAT) is None
    removal.delete(newest)
    assert find_finished(alice, BOAT) not in {None, newest}


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "A boat."},
        {"model": "sora-2-pro"},
        {"size": "720x1280"},
        {"seconds": 8},
        {"choices": Choices(audio=False)},
        {"choices": Choices(seed=7)},
        {"choices": Choices(negative_prompt="fog")},
    ],
)
def test_no_video_is_found_when_the_order_differs(
    alice: User, mp4: bytes, change: dict[str, Any]
) -> None:
    made(alice, mp4)
    assert find_finished(alice, replace(BOAT, **change)) is None


def test_video_is_found_only_when_its_image_is_the_same(alice: User, mp4: bytes) -> None:
    image, other = (uploads.store_image(alice, upload(picture())) for _ in range(2))
    asked = replace(BOAT, first_image=image)
    video = made(alice, mp4, asked)
    found = [find_finished(alice, each) for each in (asked, replace(BOAT, first_image=other), BOAT)]
    assert found == [video, None, None]


def test_video_whose_file_the_engine_no_longer_keeps_is_not_offered(
    alice: User, mp4: bytes
) -> None:
    video = made(alice, mp4)
    gone = timezone.now() - timedelta(days=1)
    Video.objects.filter(pk=video.pk).update(file_stays_at_engine=True, engine_keeps_until=gone)
    assert find_finished(alice, BOAT) is None


def test_studio_offers_the_finished_video_and_makes_another_when_asked(
    page: Client, alice: User, mp4: bytes
) -> None:
    video = made(alice, mp4)
    answer = page.post("/studio/", FORM)
    body = flat(answer)
    assert (answer.status_code, "You already have this video." in body) == (200, True)
    assert f'href="/v/{video.pk}/"' in body
    assert (Video.objects.count(), credits.available(alice)) == (1, 80)
    assert page.post("/studio/", {**FORM, "takes": "2"}).status_code == 303
    assert page.post("/studio/", {**FORM, "another": "1"}).status_code == 303
    assert (Video.objects.count(), credits.available(alice)) == (4, 20)


def test_api_makes_another_without_asking(api: APIClient, alice: User, mp4: bytes) -> None:
    made(alice, mp4)
    body = {"prompt": "A boat", "model": "sora-2", "size": "1280x720", "seconds": "4"}
    assert api.post("/api/videos", body, format="json").status_code == 201
    assert Video.objects.count() == 2
