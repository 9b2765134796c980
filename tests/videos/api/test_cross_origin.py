"""The front end of another origin: it fetches a file with its token and plays it from a blob."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import completed, order
from videos.models import Video

ORIGIN = "https://studio.example.com"
PATHS = ["download", "content", "content?variant=thumbnail"]


@pytest.fixture(autouse=True)
def _front_end(settings: LazySettings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]


@pytest.fixture
def video(alice: User, mp4: bytes) -> Video:
    return completed(order(alice), mp4)


def body_of(answer: Any) -> bytes:
    async def read() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(read)()


def names_in(answer: Any, header: str) -> set[str]:
    return {name.strip().lower() for name in answer[header].split(",")}


@pytest.mark.parametrize("path", PATHS)
def test_preflight_allows_the_token_and_ranges(video: Video, path: str) -> None:
    answer = Client().options(
        f"/api/videos/{video.pk}/{path}",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,range",
        },
    )
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert "get" in names_in(answer, "Access-Control-Allow-Methods")
    assert {"authorization", "range"} <= names_in(answer, "Access-Control-Allow-Headers")
    assert int(answer["Access-Control-Max-Age"]) >= 600
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize("path", PATHS)
def test_file_can_be_read_into_a_blob_when_fetched_with_a_token(
    api: APIClient, video: Video, path: str
) -> None:
    answer = api.get(f"/api/videos/{video.pk}/{path}", headers={"Origin": ORIGIN})
    body = body_of(answer)
    stored = (video.thumbnail if "thumbnail" in path else video.file).open().read()
    assert (answer.status_code, body, int(answer["Content-Length"])) == (200, stored, len(stored))
    kind = "image/webp" if "thumbnail" in path else "video/mp4"
    assert (answer["Content-Type"], answer["Access-Control-Allow-Origin"]) == (kind, ORIGIN)
    exposed = names_in(answer, "Access-Control-Expose-Headers")
    assert {"content-disposition", "accept-ranges", "etag", "x-request-id"} <= exposed
    assert f"{video.pk}." in answer["Content-Disposition"]


def test_part_of_a_file_can_be_read_when_a_range_is_fetched(api: APIClient, video: Video) -> None:
    headers = {"Origin": ORIGIN, "Range": "bytes=0-3"}
    answer = api.get(f"/api/videos/{video.pk}/content", headers=headers)
    assert (answer.status_code, len(body_of(answer))) == (206, 4)
    assert answer["Content-Range"].startswith("bytes 0-3/")
    assert "content-range" in names_in(answer, "Access-Control-Expose-Headers")


def test_refusal_can_be_read_when_the_token_is_wrong(anonymous: APIClient, video: Video) -> None:
    answer = anonymous.get(f"/api/videos/{video.pk}/download", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
