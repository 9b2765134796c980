"""GET /api/videos/<id>/content, from a real server: ranges, validators, variants."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from accounts.auth import tokens
from accounts.models import Session, User
from tests.conftest import ServerThread
from tests.videos.conftest import completed, order, running
from videos.models import Video


class ContentClient:
    """One video's content address, asked with its owner's token."""

    def __init__(self, live: ServerThread, user: User, video: Video) -> None:
        self.url, self.video = f"{live.url}/api/videos/{video.pk}/content", video
        token = tokens.sign_in(user, Session.Grant.PASSWORD).access
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, query: str = "", method: str = "GET", **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.request(
            method, self.url + query, headers={**self.headers, **named}, timeout=30
        )


@pytest.fixture
def content(live: ServerThread, alice: User, mp4: bytes) -> ContentClient:
    return ContentClient(live, alice, completed(order(alice), mp4))


def test_content_is_the_whole_mp4_when_nothing_else_is_asked(
    content: ContentClient, mp4: bytes
) -> None:
    answer = content.get()
    assert (answer.status_code, answer.content) == (200, mp4)
    shown = {name: answer.headers[name] for name in ("content-type", "content-length")}
    assert shown == {"content-type": "video/mp4", "content-length": str(len(mp4))}
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private, max-age=0, must-revalidate"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == f'inline; filename="{content.video.pk}.mp4"'


@pytest.mark.parametrize(
    ("variant", "kind", "body", "suffix"),
    [("thumbnail", "image/webp", b"webp", "webp"), ("spritesheet", "image/jpeg", b"jpg", "jpg")],
)
def test_content_is_the_variant_that_is_asked_for(
    content: ContentClient, variant: str, kind: str, body: bytes, suffix: str
) -> None:
    answer = content.get(f"?variant={variant}&download=1")
    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["content-type"] == kind
    name = f'attachment; filename="{content.video.pk}.{suffix}"'
    assert answer.headers["content-disposition"] == name


def test_content_is_an_attachment_when_download_is_asked(content: ContentClient) -> None:
    name = f'attachment; filename="{content.video.pk}.mp4"'
    assert content.get("?download=1").headers["content-disposition"] == name


@pytest.mark.parametrize("accept", ["application/binary", "application/json", "x/y", "nonsense"])
def test_content_is_the_same_for_any_accept_header(
    content: ContentClient, mp4: bytes, accept: str
) -> None:
    answer = content.get(accept=accept)
    assert (answer.status_code, answer.content) == (200, mp4)


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, None),
        ("bytes=-10", -10, None),
        ("bytes=-99999999", 0, None),
        ("bytes=5-99999999", 5, None),
    ],
)
def test_content_is_206_when_a_range_is_asked(
    content: ContentClient, mp4: bytes, asked: str, start: int, stop: int | None
) -> None:
    answer = content.get(range=asked)
    part = mp4[start:stop]
    first = len(mp4) + start if start < 0 else start
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-length"] == str(len(part))
    content_range = f"bytes {first}-{first + len(part) - 1}/{len(mp4)}"
    assert answer.headers["content-range"] == content_range


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0", "bytes=99999999-999999999"])
def test_content_is_416_when_the_range_lies_outside_the_file(
    content: ContentClient, mp4: bytes, asked: str
) -> None:
    answer = content.get(range=asked)
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(mp4)}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "items=0-1",
        "0-1",
        "bytes=" + "9" * 5000 + "-",
        "bytes=-" + "9" * 5000,
    ],
)
def test_content_is_the_whole_file_when_the_range_header_is_no_single_range(
    content: ContentClient, mp4: bytes, asked: str
) -> None:
    answer = content.get(range=asked)
    assert (answer.status_code, answer.content) == (200, mp4)


def test_content_answers_headers_only_when_the_method_is_head(
    content: ContentClient, mp4: bytes
) -> None:
    whole, part = content.get(method="HEAD"), content.get(method="HEAD", range="bytes=0-9")
    assert (whole.status_code, whole.content) == (200, b"")
    assert whole.headers["content-length"] == str(len(mp4))
    assert (part.status_code, part.headers["content-length"]) == (206, "10")


def test_content_is_304_when_the_validator_matches(content: ContentClient) -> None:
    first = content.get()
    etag, date = first.headers["etag"], first.headers["last-modified"]
    asked: list[dict[str, Any]] = [
        {"if_none_match": etag},
        {"if_none_match": f'"other", W/{etag}'},
        {"if_none_match": "*"},
        {"if_modified_since": date},
    ]
    answers = [content.get(**headers) for headers in asked]
    assert [(a.status_code, a.content) for a in answers] == [(304, b"")] * 4
    assert [a.headers["etag"] for a in answers] == [etag] * 4


@pytest.mark.parametrize(
    "headers",
    [
        {"if_none_match": '"other"'},
        {"if_none_match": '"other"', "if_modified_since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"if_modified_since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"if_modified_since": "nonsense"},
    ],
)
def test_content_is_200_when_the_validator_is_stale(
    content: ContentClient, headers: dict[str, str]
) -> None:
    assert content.get(**headers).status_code == 200


def test_content_has_another_etag_for_each_variant(content: ContentClient) -> None:
    tags = {
        content.get(f"?variant={v}").headers["etag"] for v in ("video", "thumbnail", "spritesheet")
    }
    assert len(tags) == 3


def test_content_heeds_if_range(content: ContentClient) -> None:
    first = content.get()
    etag, date = first.headers["etag"], first.headers["last-modified"]
    old = "Thu, 01 Jan 1970 00:00:00 GMT"
    conditions = (etag, date, '"other"', f"W/{etag}", old, "nonsense")
    codes = [content.get(range="bytes=0-9", if_range=c).status_code for c in conditions]
    assert codes == [206, 206, 200, 200, 200, 200]


def test_content_answers_another_user_like_an_unknown_id(
    content: ContentClient, live: ServerThread, bob: User
) -> None:
    stranger = ContentClient(live, bob, content.video)
    his = stranger.get()
    stranger.url = f"{live.url}/api/videos/{uuid4()}/content"
    unknown = stranger.get()
    assert (his.status_code, his.json()) == (404, {"detail": "Resource not found"})
    assert his.content == unknown.content


def test_content_is_401_when_anonymous(content: ContentClient) -> None:
    answer = httpx2.get(content.url)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


def test_content_is_404_when_the_video_has_no_file_yet(live: ServerThread, alice: User) -> None:
    answer = ContentClient(live, alice, running(order(alice))).get()
    assert (answer.status_code, answer.json()) == (404, {"detail": "The video has no file yet."})


def test_content_is_404_when_the_file_is_missing_in_storage(content: ContentClient) -> None:
    Path(content.video.file.path).unlink()
    answer = content.get()
    assert (answer.status_code, answer.json()) == (404, {"detail": "The file is no longer there."})


@pytest.mark.parametrize("query", ["?variant=poster", "?download=maybe", "?variant=%00"])
def test_content_is_422_when_the_query_is_invalid(content: ContentClient, query: str) -> None:
    answer = content.get(query)
    field = query[1:].split("=", maxsplit=1)[0]
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", field])
