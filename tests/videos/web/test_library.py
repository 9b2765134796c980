"""The library's pages: found, kept together, downloaded and deleted; only one's own."""

import asyncio
import re
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import uuid4
from zipfile import ZIP_STORED, ZipFile

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from billing.ledger import credits
from tests.markup import flat
from tests.videos.conftest import completed, failed, order, reloaded
from videos.models import Collection, Video

LIBRARY = "/library/"
# In Tokyo twice the first of November, then the second and the third.
MOMENTS = [
    datetime(2026, 10, 31, 15, 0, tzinfo=UTC),
    datetime(2026, 11, 1, 14, 59, tzinfo=UTC),
    datetime(2026, 11, 1, 15, 0, tzinfo=UTC),
    datetime(2026, 11, 2, 15, 0, tzinfo=UTC),
]


def titles(page: Client, query: str = "") -> list[str]:
    """The prompts on the cards of a library page, in order."""
    body = flat(page.get(f"{LIBRARY}{query}"))
    return re.findall(r'class="card__title"><a [^>]*>([^<]*)</a>', body)


def pills(page: Client, query: str = "") -> list[int]:
    """The numbers on the pills: all, ready, rendering, needing attention, favourites."""
    body = flat(page.get(f"{LIBRARY}{query}"))
    shown = body.split('data-part="pills"')[1].split("</nav>")[0]
    return [int(n) for n in re.findall(r'class="numeric">(\d+)<', shown)]


def html(page: Client, path: str, **data: object) -> str:
    return page.post(path, data, follow=True).content.decode()


async def whole(answer: Any) -> bytes:
    return b"".join([piece async for piece in answer])


@pytest.fixture
def four(alice: User, mp4: bytes) -> list[Video]:
    """A finished, a failed, a waiting and a tall one."""
    return [
        completed(order(alice, "A harbour at dawn"), mp4),
        failed(order(alice, "A storm over the harbour")),
        order(alice, "A quiet forest", seconds=8),
        order(alice, "A tall tower", model="sora-2-pro", size="720x1280"),
    ]


def test_library_shows_newest_videos_first(page: Client, four: list[Video]) -> None:
    assert titles(page) == [video.prompt for video in reversed(four)]
    assert pills(page) == [4, 1, 2, 1, 0]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?q=harbour", [1, 0]),
        ("?q=HARBOUR+at", [0]),
        ("?q=nothing", []),
        ("?q=har%00bour&model=sora%00-2", [1, 0]),
        ("?status=ready", [0]),
        ("?status=rendering", [3, 2]),
        ("?status=attention", [1]),
        ("?status=favourites", []),
        ("?model=sora-2-pro", [3]),
        ("?model=unknown", []),
        ("?shape=tall", [3]),
        ("?shape=wide", [2, 1, 0]),
        ("?sort=oldest", [0, 1, 2, 3]),
        ("?sort=title", [0, 2, 1, 3]),
        ("?q=harbour&status=ready", [0]),
        ("?since=2026-11-02", [3, 2]),
        ("?until=2026-11-01", [1, 0]),
        ("?since=2026-11-02&until=2026-11-02&sort=oldest", [2]),
        ("?since=2026-13-40&until=x", [3, 2, 1, 0]),
        ("?status=nonsense&sort=nonsense&shape=nonsense&collection=x&page=99", [3, 2, 1, 0]),
    ],
)
def test_library_shows_videos_that_match_the_filter(
    page: Client, on_days: list[Video], query: str, shown: list[int]
) -> None:
    page.cookies["tz"] = "Asia/Tokyo"
    assert titles(page, query) == [on_days[n].prompt for n in shown]


def test_view_is_remembered_and_shows_the_price(page: Client, four: list[Video]) -> None:
    grids = []
    for query in ("", "?view=list", "", "?view=small", "?view=nonsense", "?view=grid", ""):
        text = flat(page.get(f"{LIBRARY}{query}"))
        grids.append(re.findall(r'<div class="(card-grid[^"]*)">', text)[0])
    listed, small, large = "card-grid card-grid--list", "card-grid card-grid--small", "card-grid"
    assert grids == [large, listed, listed, small, small, large, large]
    prices = re.findall(r'card__cost">.*?</svg>(\d+)<', text)
    assert prices == ["30", "20", "20"]


@pytest.fixture
def on_days(four: list[Video]) -> list[Video]:
    """The four, ordered on the first, second and third of November in the user's time zone."""
    for video, moment in zip(four, MOMENTS, strict=True):
        Video.objects.filter(pk=video.pk).update(created_at=moment)
    return four


def test_status_counts_follow_the_search(page: Client, four: list[Video]) -> None:
    assert pills(page, "?q=harbour&status=attention") == [2, 1, 0, 1, 0]


def test_library_page_holds_24_videos(page: Client, alice: User) -> None:
    credits.grant(alice, 1000, credits.Kind.EARNED, "gift", expires_at=None)
    for n in range(25):
        order(alice, f"Number {n}")
    assert titles(page)[0] == "Number 24"
    assert (len(titles(page)), titles(page, "?page=2")) == (24, ["Number 0"])


def test_library_needs_as_many_queries_for_many_videos(
    page: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    credits.grant(alice, 1000, credits.Kind.EARNED, "gift", expires_at=None)
    order(alice)
    page.get(LIBRARY)  # the session is written once
    with django_assert_num_queries(13):
        page.get(LIBRARY)
    for n in range(8):
        video = order(alice)
        Collection.objects.create(user=alice, name=f"Number {n}").videos.add(video)
    with django_assert_num_queries(13):
        page.get(LIBRARY)
    with django_assert_num_queries(5):
        page.get("/collections/")


@pytest.mark.parametrize("path", [LIBRARY, "/collections/", "/collections/1/delete/"])
def test_library_requires_signing_in(db: None, path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={path}")


def test_library_does_not_show_videos_of_another_user(page: Client, bob: User) -> None:
    order(bob, "Bob's own")
    assert titles(page) == []


# ---- favourites ----


def test_favourite_is_added_and_removed(page: Client, four: list[Video]) -> None:
    path = f"/v/{four[0].pk}/favourite/"
    answer = page.post(path, {"next": "/library/?q=dawn"})
    assert (answer.status_code, answer["Location"]) == (303, "/library/?q=dawn")
    assert titles(page, "?status=favourites") == ["A harbour at dawn"]
    page.post(path)
    assert titles(page, "?status=favourites") == []


def test_favourite_is_not_found_when_video_belongs_to_another_user(
    bob: User, four: list[Video]
) -> None:
    client = Client()
    client.force_login(bob)
    assert client.post(f"/v/{four[0].pk}/favourite/").status_code == 404
    assert client.post(f"/v/{uuid4()}/favourite/").status_code == 404
    assert reloaded(four[0]).favourited_at is None


# ---- several at once ----


def test_chosen_videos_are_sent_as_one_zip(page: Client, four: list[Video], mp4: bytes) -> None:
    second = completed(four[2], mp4[::-1])
    answer = page.post("/library/download/", {"video": [str(video.pk) for video in four]})
    assert answer["Content-Type"] == "application/zip"
    with ZipFile(BytesIO(asyncio.run(whole(answer)))) as found:
        assert found.testzip() is None
        assert {info.filename: found.read(info) for info in found.infolist()} == {
            f"a-quiet-forest-{second.pk.hex[:8]}.mp4": mp4[::-1],
            f"a-harbour-at-dawn-{four[0].pk.hex[:8]}.mp4": mp4,
        }
        assert {info.compress_type for info in found.infolist()} == {ZIP_STORED}


def test_zip_leaves_out_videos_when_their_files_are_missing(
    page: Client, four: list[Video], mp4: bytes
) -> None:
    second = completed(four[2], mp4)
    default_storage.delete(str(second.file.name))
    answer = page.post("/library/download/", {"video": [str(video.pk) for video in four]})
    with ZipFile(BytesIO(asyncio.run(whole(answer)))) as found:
        assert found.namelist() == [f"a-harbour-at-dawn-{four[0].pk.hex[:8]}.mp4"]


@pytest.mark.parametrize("chosen", [[], ["no-id"], [str(uuid4())]])
def test_message_asks_to_choose_when_nothing_is_chosen(
    page: Client, four: list[Video], chosen: list[str]
) -> None:
    text = html(page, "/library/download/", video=chosen)
    assert "Choose at least one finished video." in text
    assert "Choose at least one video." in html(page, "/library/delete/", video=chosen)


def test_deleting_several_videos_asks_first(page: Client, alice: User, four: list[Video]) -> None:
    ids = [str(four[0].pk), str(four[2].pk)]
    asked = html(page, "/library/delete/", video=ids)
    assert "Delete 2 videos?" in asked
    assert "Videos in progress are cancelled, and we return 20 credits." in asked
    assert len(titles(page)) == 4
    before = credits.available(alice)
    assert "2 videos were deleted." in html(page, "/library/delete/", video=ids, sure="1")
    assert titles(page) == ["A tall tower", "A storm over the harbour"]
    assert credits.available(alice) - before == 20


def test_videos_of_another_user_are_neither_sent_nor_deleted(bob: User, four: list[Video]) -> None:
    client = Client()
    client.force_login(bob)
    ids = [str(video.pk) for video in four]
    assert "finished video" in html(client, "/library/download/", video=ids)
    html(client, "/library/delete/", video=ids, sure="1")
    assert Video.objects.filter(deleted_at=None).count() == 4


# ---- collections ----


def test_collection_is_created_filled_and_emptied(page: Client, four: list[Video]) -> None:
    page.post("/collections/", {"name": "Harbours", "video": [str(four[0].pk)]})
    collection = Collection.objects.get(name="Harbours")
    assert titles(page, f"?collection={collection.pk}") == ["A harbour at dawn"]
    ids = [str(four[0].pk), str(four[1].pk)]
    text = html(page, "/library/collect/", video=ids, collection=collection.pk)
    assert "1 video was added." in text
    assert len(titles(page, f"?collection={collection.pk}")) == 2
    text = html(page, "/library/collect/", video=ids[:1], out=collection.pk)
    assert "1 video was removed from the collection." in text
    assert titles(page, f"?collection={collection.pk}") == ["A storm over the harbour"]
    assert len(titles(page)) == 4


def test_deleted_video_disappears_from_collections(page: Client, four: list[Video]) -> None:
    page.post("/collections/", {"name": "Harbours", "video": [str(four[0].pk)]})
    html(page, "/library/delete/", video=[str(four[0].pk)], sure="1")
    body = page.get("/collections/").content.decode()
    assert "0 videos" in body
    assert "variant=thumbnail" not in body


def test_videos_stay_when_collection_is_renamed_and_deleted(
    page: Client, four: list[Video]
) -> None:
    page.post("/collections/", {"name": "Harbours", "video": [str(four[0].pk)]})
    collection = Collection.objects.get()
    page.post(f"/collections/{collection.pk}/rename/", {"name": "Ports"})
    assert Collection.objects.get().name == "Ports"
    assert page.get(f"/collections/{collection.pk}/delete/").status_code == 200
    assert Collection.objects.count() == 1
    page.post(f"/collections/{collection.pk}/delete/")
    assert (Collection.objects.count(), len(titles(page))) == (0, 4)


def test_collection_is_refused_when_name_is_taken(page: Client, alice: User, bob: User) -> None:
    Collection.objects.create(user=bob, name="Mine")
    assert page.post("/collections/", {"name": "Mine"}).status_code == 303
    again = page.post("/collections/", {"name": " Mine "})
    assert again.status_code == 422
    assert "You already have a collection with this name." in again.content.decode()
    other = Collection.objects.create(user=alice, name="Other")
    page.post(f"/collections/{other.pk}/rename/", {"name": "Mine"})
    assert sorted(Collection.objects.filter(user=alice).values_list("name", flat=True)) == [
        "Mine",
        "Other",
    ]


def test_collection_is_refused_when_name_is_empty(page: Client) -> None:
    answer = page.post("/collections/", {"name": " "})
    assert (answer.status_code, Collection.objects.count()) == (422, 0)
    assert "Enter a name." in answer.content.decode()


def test_collection_is_not_found_when_it_belongs_to_another_user(
    page: Client, bob: User, four: list[Video]
) -> None:
    theirs = Collection.objects.create(user=bob, name="Theirs")
    for pk in (theirs.pk, theirs.pk + 1):
        assert page.post(f"/collections/{pk}/rename/", {"name": "X"}).status_code == 404
        assert page.post(f"/collections/{pk}/delete/").status_code == 404
        chosen = {"video": [str(four[0].pk)], "collection": pk}
        assert page.post("/library/collect/", chosen).status_code == 404
        assert titles(page, f"?collection={pk}") == []
    assert (theirs.videos.count(), Collection.objects.get().name) == (0, "Theirs")
