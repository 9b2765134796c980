"""Pages that order, upload, search or export share the limits of the API."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import URLPattern, reverse
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from billing.models import Payment
from config.lib import rate_limits
from config.routes import library as library_routes
from config.urls import urlpatterns
from tests.videos.conftest import completed, failed, order, photo, upload
from videos.models import Upload, Video

ORDER = {"prompt": "A boat", "model": "sora-2", "size": "1280x720", "seconds": "4", "takes": "1"}
TOO_OFTEN = "You did this too often. Nothing was changed or charged. Try again in 1 minute."


@pytest.fixture(autouse=True)
def _rates(db: None, settings: LazySettings) -> None:
    settings.RATE_GENERATE, settings.RATE_UPLOAD, settings.RATE_OTHER = (2, 60), (2, 60), (2, 60)
    if settings.REDIS_URL:
        rate_limits._redis().flushdb()


@pytest.fixture
def failed_video(alice: User) -> Video:
    return failed(order(alice))


@pytest.fixture
def exhausted(failed_video: Video, alice: User) -> None:
    """Alice has used up all her limits, by whatever calls."""
    for limit in ("generate", "upload", "tasks", "other"):
        for _ in range(2):
            rate_limits.hit(rate_limits.key_of(limit, alice), rate_limits.rate_of(limit))


def order_by_api(api: APIClient) -> int:
    return int(api.post("/api/videos", {"prompt": "A boat"}, format="json").status_code)


def upload_by_api(api: APIClient) -> int:
    return int(api.post("/api/videos/upload", {"file": upload(photo(), "a.jpg")}).status_code)


def state(user: User) -> tuple[int, int, int, int]:
    """What an act that goes through would change."""
    return (
        Video.objects.count(),
        credits.available(user),
        Upload.objects.count(),
        Payment.objects.count(),
    )


# ---- orders ----


def test_studio_refuses_an_order_when_the_api_has_used_up_the_limit(
    api: APIClient, page: Client, alice: User
) -> None:
    assert [order_by_api(api) for _ in range(3)] == [201, 201, 429]
    before = state(alice)
    answer = page.post("/studio/", ORDER)
    shown = answer.content.decode()
    assert (answer.status_code, TOO_OFTEN in shown, ">A boat</textarea>" in shown) == (
        429,
        True,
        True,
    )
    assert state(alice) == before


def test_api_refuses_an_order_when_the_studio_has_used_up_the_limit(
    api: APIClient, page: Client
) -> None:
    assert [page.post("/studio/", ORDER).status_code for _ in range(2)] == [303, 303]
    assert order_by_api(api) == 429


def test_every_take_counts_when_several_are_ordered_at_once(api: APIClient, page: Client) -> None:
    assert page.post("/studio/", {**ORDER, "takes": "2"}).status_code == 303
    assert order_by_api(api) == 429


def test_repeated_form_is_answered_when_the_limit_is_used_up(api: APIClient, page: Client) -> None:
    form = {**ORDER, "token": uuid4().hex}
    assert page.post("/studio/", form).status_code == 303
    assert [order_by_api(api) for _ in range(2)] == [201, 429]
    assert page.post("/studio/", form).status_code == 303
    assert Video.objects.count() == 2


def test_form_with_a_mistake_does_not_count(api: APIClient, page: Client) -> None:
    assert page.post("/studio/", {**ORDER, "prompt": ""}).status_code == 422
    assert [order_by_api(api) for _ in range(2)] == [201, 201]


def test_remix_form_keeps_its_text_when_it_is_refused(
    exhausted: None, page: Client, alice: User, mp4: bytes
) -> None:
    source = completed(order(alice), mp4)
    before = state(alice)
    answer = page.post(f"/v/{source.pk}/remix/", {"prompt": "At night"})
    shown = answer.content.decode()
    assert (answer.status_code, TOO_OFTEN in shown, "At night" in shown) == (429, True, True)
    assert state(alice) == before


# ---- uploads ----


def test_studio_refuses_an_image_undecoded_when_the_api_has_used_up_the_limit(
    api: APIClient, page: Client
) -> None:
    assert [upload_by_api(api) for _ in range(3)] == [200, 200, 429]
    answer = page.post("/studio/reference/", {"image": upload(b"no picture")})
    assert (answer.status_code, answer.json()) == (429, {"detail": TOO_OFTEN})
    assert Upload.objects.count() == 2


def test_api_refuses_an_upload_when_the_studio_has_used_up_the_limit(
    api: APIClient, page: Client
) -> None:
    image = [{"image": upload(photo())} for _ in range(2)]
    assert [page.post("/studio/reference/", one).status_code for one in image] == [201, 201]
    assert upload_by_api(api) == 429


# ---- search and exports ----


def test_api_refuses_a_search_when_the_library_has_used_up_the_limit(
    api: APIClient, page: Client
) -> None:
    codes = [page.get("/library/", {"q": "boat"}).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert api.get("/api/videos", {"q": "boat"}).status_code == 429
    assert page.get("/library/").status_code == 200


def test_search_by_api_counts_when_a_page_sends_its_cookie(page: Client) -> None:
    answers = [page.get("/api/videos", {"q": "boat"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_images_do_not_count_when_a_page_loads_them(
    page: Client, api: APIClient, alice: User, mp4: bytes
) -> None:
    video = completed(order(alice), mp4)
    upload_by_api(api)
    image = Upload.objects.get()
    paths = [f"/api/videos/{video.pk}/content", f"/api/videos/uploads/{image.pk}"]
    assert [page.get(path).status_code for path in paths * 3] == [200] * 6


# ---- every page ----

# The pages that answer 429 when all limits are used up, with the method that counts.
COUNTED = {
    "POST studio",
    "POST reference-keep",
    "GET library",
    "POST library-download",
    "POST video-edit",
    "POST video-frame",
    "POST video-remix",
    "POST video-retry",
    "GET usage-csv",
    "POST billing-buy",
    "GET billing-csv",
    "GET billing-imported",
    "GET exports-download",
    "POST video-reviews",
}
TEXTS = {"name": "x", "topic": "x", "token": "x"}
NOT_PAGES = ("api/", "admin/", "sandbox/", "accounts/", "<path", "livez", "readyz", "health")


def pages() -> Iterator[URLPattern]:
    for pattern in (*urlpatterns, *library_routes.library):
        route = str(pattern.pattern)
        if isinstance(pattern, URLPattern) and pattern.name and not route.startswith(NOT_PAGES):
            yield pattern


def test_exactly_the_pages_that_order_upload_search_or_export_are_counted(
    exhausted: None, page: Client, alice: User, failed_video: Video, mp4: bytes
) -> None:
    done = completed(order(alice), mp4)
    before, refused = state(alice), set[str]()
    for pattern in pages():
        video = failed_video if pattern.name == "video-retry" else done
        known = {"video_id": video.pk, "clip_id": 1, "collection_id": 1, "comment_id": 1, **TEXTS}
        names = re.findall(r"<(?:\w+:)?(\w+)>", str(pattern.pattern))
        path = reverse(str(pattern.name), kwargs={name: known.get(name, uuid4()) for name in names})
        calls: dict[str, Callable[..., Any]] = {"GET": page.get, "POST": page.post}
        for method, call in calls.items():
            sent = {"q": "boat"} if method == "GET" else {**ORDER, "image": upload(b"x")}
            answer = call(path, sent)
            if answer.status_code == 429:
                refused.add(f"{method} {pattern.name}")
                assert TOO_OFTEN in answer.content.decode()
    assert refused == COUNTED
    assert state(alice) == before
