"""GET /api/videos: one's own videos, page by page."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import completed, failed, order, running
from videos.jobs import state_machine
from videos.models import Video

NOT_THE_PROMPT = "The engine stopped. The cause was not your prompt."

UNKNOWN = UUID(int=7)


def read(client: APIClient, query: str = "") -> Any:
    return client.get(f"/api/videos{query}").json()


def ids(body: Any) -> list[str]:
    return [video["id"] for video in body["videos"]]


@pytest.fixture
def five_ids(alice: User) -> list[str]:
    """The ids of five videos of alice, newest first; two were made in the same moment."""
    made = [order(alice, f"Boat {n}") for n in range(5)]
    start = timezone.now()
    for video, minute in zip(made, (0, 1, 2, 2, 3), strict=True):
        moment = start + timedelta(minutes=minute)
        Video.objects.filter(pk=video.pk).update(created_at=moment)
    return [str(video.pk) for video in Video.objects.newest()]


def test_list_is_empty_when_the_user_has_no_videos(api: APIClient) -> None:
    assert read(api) == {
        "videos": [],
        "limit": 50,
        "offset": 0,
        "total": 0,
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


def test_list_starts_with_the_newest_when_no_order_is_given(
    api: APIClient, five_ids: list[str]
) -> None:
    body = read(api)
    assert ids(body) == five_ids
    assert (body["total"], body["first_id"], body["last_id"]) == (5, five_ids[0], five_ids[-1])


def test_list_shows_a_video_as_its_detail_does(api: APIClient, five_ids: list[str]) -> None:
    assert read(api)["videos"][0] == api.get(f"/api/videos/{five_ids[0]}").json()


def test_offset_pages_list_every_video_once(api: APIClient, five_ids: list[str]) -> None:
    pages = [read(api, f"?limit=2&offset={n}") for n in (0, 2, 4, 6)]
    assert [ids(page) for page in pages] == [five_ids[:2], five_ids[2:4], five_ids[4:], []]
    assert [page["has_more"] for page in pages] == [True, True, False, False]
    assert [page["total"] for page in pages] == [5] * 4
    assert (pages[1]["limit"], pages[1]["offset"]) == (2, 2)


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_after_pages_list_every_video_once(
    api: APIClient, five_ids: list[str], direction: str
) -> None:
    seen: list[str] = []
    page = read(api, f"?limit=2&order={direction}")
    seen += ids(page)
    while page["has_more"]:
        page = read(api, f"?limit=2&order={direction}&after={page['last_id']}")
        seen += ids(page)
    assert seen == (five_ids if direction == "desc" else five_ids[::-1])


def test_list_is_empty_when_after_is_the_last_video(api: APIClient, five_ids: list[str]) -> None:
    assert ids(read(api, f"?after={five_ids[-1]}")) == []


def test_list_finds_words_of_the_prompt_when_searched(api: APIClient, alice: User) -> None:
    for prompt in ("A red kite", "A blue boat", "100% cotton", "under_score"):
        order(alice, prompt)
    found = {
        q: [v["prompt"] for v in read(api, f"?q={q}")["videos"]] for q in ("KITE", "%25", "_", "x")
    }
    assert found == {"KITE": ["A red kite"], "%25": ["100% cotton"], "_": ["under_score"], "x": []}
    assert read(api, "?q=")["total"] == 4


def test_list_has_only_matching_videos_when_filtered_by_status(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    queued, rendering, broken, stopped, done = (order(alice, str(n)) for n in range(5))
    running(rendering)
    failed(broken)
    state_machine.cancel(stopped)
    completed(done, mp4)
    words = {
        "queued": queued,
        "in_progress": rendering,
        "cancelled": stopped,
        "completed": done,
    }
    found = {word: ids(read(api, f"?status={word}")) for word in words}
    assert found == {word: [str(video.pk)] for word, video in words.items()}
    shown = read(api, "?status=failed")["videos"]
    assert [(video["id"], video["status"], video["error_message"]) for video in shown] == [
        (str(stopped.pk), "failed", "You cancelled this."),
        (str(broken.pk), "failed", NOT_THE_PROMPT),
    ]


def test_list_has_no_videos_of_other_users(
    api: APIClient, stranger: APIClient, five_ids: list[str], bob: User
) -> None:
    his = order(bob, "Boat of bob")
    assert ids(read(stranger)) == [str(his.pk)]
    assert ids(read(api, "?q=boat")) == five_ids
    assert stranger.get(f"/api/videos?after={five_ids[0]}").status_code == 422


def test_list_has_no_deleted_videos(api: APIClient, five_ids: list[str]) -> None:
    api.delete(f"/api/videos/{five_ids[1]}")
    body = read(api)
    assert (ids(body), body["total"]) == ([five_ids[0], *five_ids[2:]], 4)


def test_list_goes_on_after_a_video_that_has_left_it(
    api: APIClient, stranger: APIClient, five_ids: list[str]
) -> None:
    api.delete(f"/api/videos/{five_ids[1]}")
    assert ids(read(api, f"?after={five_ids[1]}")) == five_ids[2:]
    state_machine.cancel(Video.objects.get(pk=five_ids[2]))
    assert ids(read(api, f"?status=queued&after={five_ids[2]}")) == five_ids[3:]
    assert stranger.get(f"/api/videos?after={five_ids[1]}").status_code == 422


@pytest.mark.parametrize("limit", [1, 100])
def test_list_takes_five_queries_for_any_number_of_videos(
    api: APIClient,
    five_ids: list[str],
    django_assert_num_queries: DjangoAssertNumQueries,
    limit: int,
) -> None:
    with django_assert_num_queries(5):  # session, count, page, places in the queue, tags
        read(api, f"?limit={limit}")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1e400", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("offset=-1", "offset"),
        ("offset=10001", "offset"),
        ("order=up", "order"),
        ("order=asc%00", "order"),
        ("after=1", "after"),
        (f"after={UNKNOWN}", "after"),
        ("after=%00", "after"),
        ("status=burning", "status"),
        ("status=%00", "status"),
        ("q=a%00b", "q"),
        ("q=" + "x" * 201, "q"),
    ],
)
def test_list_is_422_and_names_the_parameter_when_it_is_out_of_range(
    api: APIClient, query: str, field: str
) -> None:
    answer = api.get(f"/api/videos?{query}")
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["detail"]] == [["query", field]]


def test_list_is_400_when_offset_and_after_are_both_given(
    api: APIClient, five_ids: list[str]
) -> None:
    answer = api.get(f"/api/videos?after={five_ids[0]}&offset=1")
    body = {"detail": "Use either offset or after.", "code": "offset_and_after"}
    assert (answer.status_code, answer.json()) == (400, body)


def test_list_is_401_when_anonymous(anonymous: APIClient, db: None) -> None:
    assert read(anonymous) == {"detail": "Not authenticated"}
