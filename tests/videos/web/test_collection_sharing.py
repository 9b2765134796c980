"""A collection's own page, its link for others, and its files as one ZIP."""

import asyncio
import re
from datetime import timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from showcase import abuse_reports
from showcase.models import AbuseReport
from tests.markup import flat
from tests.videos.conftest import completed, failed, order
from videos.library import collection_links
from videos.models import Collection, CollectionLink, Video


async def whole(answer: Any) -> bytes:
    return b"".join([piece async for piece in answer])


@pytest.fixture
def harbours(alice: User, mp4: bytes) -> Collection:
    """Two finished videos and a failed one."""
    made = Collection.objects.create(user=alice, name="Harbours")
    made.videos.add(
        completed(order(alice, "A harbour at dawn"), mp4),
        completed(order(alice, "A harbour at dusk"), mp4),
        failed(order(alice, "A storm over the harbour")),
    )
    completed(order(alice, "A forest"), mp4)
    return made


def share(page: Client, collection: Collection, **form: object) -> str:
    """Create a link and return its path."""
    answer = page.post(f"/collections/{collection.pk}/share/", form)
    assert (answer.status_code, answer["Location"]) == (303, f"/collections/{collection.pk}/")
    shown = flat(page.get(f"/collections/{collection.pk}/"))
    found = re.search(r'id="link" readonly value="https?://[^/]+(/c/[^"]+)"', shown)
    assert found
    return found[1]


def posters(path: str) -> list[str]:
    """The ids of the videos on a shared page, in order."""
    text = flat(Client().get(path))
    return re.findall(rf'poster="{re.escape(path)}([^/]+)/poster.webp"', text)


def ids_of(collection: Collection) -> list[str]:
    finished = collection.videos.filter(status=Video.Status.SUCCEEDED)
    return [str(pk) for pk in finished.newest().values_list("pk", flat=True)]


def test_collection_has_a_page_of_its_own(page: Client, harbours: Collection) -> None:
    text = flat(page.get(f"/collections/{harbours.pk}/"))
    assert re.findall(r"<h1>(.*?)</h1>", text) == ["Harbours"]
    assert text.count('<article class="card"') == 3
    assert f'<a href="/collections/{harbours.pk}/">Harbours</a>' in flat(page.get("/collections/"))
    only = flat(page.get(f"/collections/{harbours.pk}/?status=attention"))
    assert only.count('<article class="card"') == 1


def test_collection_page_is_private(bob: User, harbours: Collection) -> None:
    other = Client()
    other.force_login(bob)
    path = f"/collections/{harbours.pk}/"
    assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"
    assert other.get(path).status_code == 404
    for act in ("share", "download"):
        assert other.post(f"{path}{act}/").status_code == 404
        assert Client().post(f"{path}{act}/").status_code == 302
    assert CollectionLink.objects.count() == 0


def test_zip_has_the_finished_videos_of_the_collection(
    page: Client, harbours: Collection, mp4: bytes
) -> None:
    answer = page.post(f"/collections/{harbours.pk}/download/")
    assert answer["Content-Disposition"] == 'attachment; filename="harbours.zip"'
    with ZipFile(BytesIO(asyncio.run(whole(answer)))) as found:
        names = [name.rpartition("-")[0] for name in found.namelist()]
        assert names == ["a-harbour-at-dusk", "a-harbour-at-dawn"]
        assert {found.read(name) for name in found.namelist()} == {mp4}
    empty = Collection.objects.create(user=harbours.user, name="Empty")
    text = page.post(f"/collections/{empty.pk}/download/", follow=True).content.decode()
    assert "This collection has no finished video." in text


def test_link_shows_finished_videos_to_anyone(
    page: Client,
    harbours: Collection,
    mp4: bytes,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    path = share(page, harbours)
    assert posters(path) == ids_of(harbours)
    with django_assert_num_queries(5):
        answer = Client().get(path)
    assert (answer["X-Robots-Tag"], b"A harbour" in answer.content) == ("noindex", False)
    video = Client().get(f"{path}{ids_of(harbours)[0]}/video.mp4")
    assert asyncio.run(whole(video)) == mp4
    assert "harbour" not in video["Content-Disposition"]
    poster = Client().get(f"{path}{ids_of(harbours)[0]}/poster.webp")
    assert asyncio.run(whole(poster)) == b"webp"
    assert b"A harbour at dawn" in Client().get(share(page, harbours, with_prompts="1")).content


def test_link_shows_nothing_else(page: Client, harbours: Collection) -> None:
    path = share(page, harbours)
    forest = Video.objects.get(prompt="A forest")
    storm = Video.objects.get(prompt="A storm over the harbour")
    for video in (forest, storm):
        assert Client().get(f"{path}{video.pk}/video.mp4").status_code == 404
        assert Client().get(f"{path}{video.pk}/poster.webp").status_code == 404
    harbours.videos.add(forest)
    assert posters(path) == ids_of(harbours)
    assert Client().get(f"{path}{forest.pk}/poster.webp").status_code == 200


@pytest.mark.parametrize("how", ["revoked", "replaced", "expired", "locked", "deleted", "forged"])
def test_link_stops_working(page: Client, alice: User, harbours: Collection, how: str) -> None:
    path = share(page, harbours, days="7")
    assert Client().get(path).status_code == 200
    links = CollectionLink.objects.all()
    if how == "revoked":
        page.post(f"/collections/{harbours.pk}/share/", {"withdraw": "1"})
    elif how == "replaced":
        assert share(page, harbours) != path
    elif how == "expired":
        assert links.filter(expires_at__gt=timezone.now() + timedelta(days=6)).exists()
        links.update(expires_at=timezone.now())
    elif how == "locked":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    elif how == "deleted":
        harbours.delete()
    else:
        path = f"{path[:-2]}x/"
    assert Client().get(path).status_code == 404


def test_link_ends_when_staff_hide_one_of_its_videos(page: Client, harbours: Collection) -> None:
    path = share(page, harbours)
    video = Video.objects.get(prompt="A harbour at dawn")
    subject = f"https://example.com{path}{video.pk}/video.mp4"
    report = AbuseReport.objects.create(subject=subject, reason="person", text="Me")
    assert abuse_reports.reported_video(report) == video
    assert abuse_reports.is_public(video)
    assert abuse_reports.hide(report, "It shows a person.")
    assert (Client().get(path).status_code, abuse_reports.is_public(video)) == (404, False)


def test_two_links_at_once_are_impossible(harbours: Collection) -> None:
    first, second = (collection_links.create_link(harbours) for _n in range(2))
    assert collection_links.active_link(harbours) == second
    first.refresh_from_db()
    assert first.revoked_at is not None
