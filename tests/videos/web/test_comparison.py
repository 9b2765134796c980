"""Two relatives of a video beside each other; takes, and which one of them is picked."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from billing.ledger import credits
from tests.markup import flat
from tests.videos.conftest import completed, failed, order, reloaded
from videos.jobs import orders, removal
from videos.models import Video


@pytest.fixture
def rich(alice: User) -> User:
    credits.grant(alice, 2000, credits.Kind.EARNED, "gift", expires_at=None)
    return alice


@pytest.fixture
def boat(rich: User, mp4: bytes) -> Video:
    return completed(order(rich, "A boat at dusk"), mp4)


def takes(user: User, number: int = 3, **choices: Any) -> list[Video]:
    asked = orders.VideoOrder("A pair of swans", seconds=4, **choices)
    return orders.submit_many(user, asked, number)


def compared(page: Client, video: Video, **query: Video) -> list[str]:
    """The ids of the two videos that the page of comparison shows."""
    asked = {name: str(one.pk) for name, one in query.items()}
    body = page.get(f"/v/{video.pk}/compare/", asked).content.decode()
    return re.findall(r'<source src="/api/videos/([^/]+)/', body)


def ids(*videos: Video) -> list[str]:
    return [str(video.pk) for video in videos]


def test_any_two_versions_are_compared_from_any_of_them(
    page: Client, boat: Video, mp4: bytes
) -> None:
    dawn = completed(orders.remix(boat, "A boat at dawn"), mp4)
    snow = completed(orders.remix(boat, "Make it snow"), mp4)
    storm = completed(orders.remix(snow, "Now a storm"), mp4)
    assert compared(page, dawn) == ids(boat, dawn)
    assert compared(page, boat) == ids(boat, storm)
    # Without JavaScript a button chooses; with it the choice itself.
    plain = re.sub(">\\s+<", "><", page.get(f"/v/{boat.pk}/compare/").content.decode())
    assert '<noscript><button class="btn" type="submit">Compare</button></noscript>' in plain
    assert compared(page, boat, a=dawn, b=snow) == ids(dawn, snow)
    assert compared(page, storm, a=dawn, b=dawn) == ids(dawn, dawn)
    for video in (boat, dawn, storm):
        assert f'href="/v/{video.pk}/compare/"' in page.get(f"/v/{video.pk}/").content.decode()
    body = page.get(f"/v/{dawn.pk}/compare/").content.decode()
    assert "A boat at <del>dusk</del> <ins>dawn</ins></p>" in body
    removal.delete(snow)
    assert compared(page, boat, b=snow) == []


def test_settings_that_differ_are_shown_and_others_are_not(
    page: Client, boat: Video, mp4: bytes
) -> None:
    dawn = completed(orders.remix(boat, "A boat at dawn"), mp4)
    Video.objects.filter(pk=dawn.pk).update(seed=7, audio=False, negative_prompt="<fog>", seconds=8)
    body = flat(page.get(f"/v/{dawn.pk}/compare/"))
    table = body.split('class="comparison-table"')[1].split("</table>")[0]
    rows = re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td><td>([^<]*)</td>', table)
    assert rows == [
        ("Made", "From text", "Remix"),
        ("Length", "4 s", "8 s"),
        ("Sound", "–", "Off"),
        ("Negative prompt", "–", "&lt;fog&gt;"),
        ("Seed", "–", "7"),
    ]


def test_retry_is_compared_with_what_it_retries(page: Client, rich: User, mp4: bytes) -> None:
    lost = failed(order(rich))
    again = completed(orders.retry(lost), mp4)
    assert compared(page, again) == ids(again)  # the other one has no file to play
    assert "All settings are the same." in flat(page.get(f"/v/{again.pk}/compare/"))


def test_comparison_is_not_found_when_videos_are_no_relatives(
    page: Client, boat: Video, bob: User, rich: User
) -> None:
    assert page.get(f"/v/{boat.pk}/compare/").status_code == 404
    orders.remix(boat, "Make it snow")
    others = [order(rich, "Another"), order(bob, "Bob's own")]
    for asked in (*(str(one.pk) for one in others), str(uuid4()), "nonsense"):
        assert page.get(f"/v/{boat.pk}/compare/", {"b": asked}).status_code == 404
    stranger = Client()
    path = f"/v/{boat.pk}/compare/"
    assert stranger.get(path)["Location"] == f"/accounts/login/?next={path}"
    stranger.force_login(bob)
    assert stranger.get(path).status_code == 404


def test_comparison_needs_as_many_queries_for_many_versions(
    page: Client, boat: Video, mp4: bytes, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    last = completed(orders.remix(boat, "Number 0"), mp4)
    path = f"/v/{boat.pk}/compare/"
    page.get(path)
    with django_assert_num_queries(10):
        page.get(path)
    for n in range(4):
        last = completed(orders.remix(last, f"Number {n + 1}"), mp4)
    with django_assert_num_queries(10):
        page.get(path)


# ---- takes ----


def test_takes_say_which_they_are_in_library_ledger_and_on_their_page(
    page: Client, rich: User, mp4: bytes
) -> None:
    first, second, third = [completed(take, mp4) for take in takes(rich)]
    alone = completed(order(rich), mp4)
    labels = ["Take 1 of 3", "Take 2 of 3", "Take 3 of 3"]
    for path in ("/library/", "/billing/", f"/v/{second.pk}/"):
        body = flat(page.get(path))
        assert [label for label in labels if label not in body] == []
    assert "Take " not in flat(page.get(f"/v/{alone.pk}/"))
    assert compared(page, second) == ids(second, third)
    assert compared(page, second, a=first, b=third) == ids(first, third)


def test_takes_of_one_order_are_one_block_of_the_ledger(page: Client, rich: User) -> None:
    takes(rich)
    order(rich, "A forest")
    takes(rich, 2)
    body = flat(page.get("/billing/")).split('id="history"')[1].split("<tbody>")[1]
    rows = [("table__following" in row, "Take " in row) for row in body.split("<tr")[1:7]]
    assert rows == [
        (False, True), (True, True),
        (False, False),
        (False, True), (True, True), (True, True),
    ]  # fmt: skip


def test_retry_of_a_take_takes_its_place(page: Client, rich: User, mp4: bytes) -> None:
    first, second = takes(rich, 2)
    first, again = completed(first, mp4), orders.retry(failed(second))
    body = flat(page.get(f"/v/{first.pk}/"))
    shown = re.findall(r'class="lineage-node" href="/v/([^/]+)/"', body)
    assert shown == ids(first, again)


def test_library_shows_the_picked_take_and_keeps_the_others_behind_it(
    page: Client, rich: User, mp4: bytes
) -> None:
    *finished, last = takes(rich, 4)
    first, second, third = [completed(take, mp4) for take in finished]

    def shown(query: str = "") -> list[str]:
        return re.findall(r'id="v-([^"]+)"', page.get(f"/library/{query}").content.decode())

    assert len(shown()) == 4
    answer = page.post(f"/v/{second.pk}/pick/")
    assert (answer.status_code, answer["Location"]) == (303, f"/v/{second.pk}/")
    assert set(shown()) == {*ids(second), *ids(last)}  # the last one still renders
    assert f'href="/v/{second.pk}/#takes">2 other takes' in flat(page.get("/library/"))
    assert len(shown("?select=1")) == 4
    page.post(f"/v/{first.pk}/pick/")
    assert (reloaded(second).picked_at, shown()[-1]) == (None, str(first.pk))
    page.post(f"/v/{third.pk}/pick/", {"withdraw": "1"})
    assert len(shown()) == 4


def test_only_ones_own_takes_are_picked(page: Client, rich: User, bob: User) -> None:
    take, alone = takes(rich, 2)[0], order(rich)
    stranger = Client()
    assert stranger.post(f"/v/{take.pk}/pick/").status_code == 302
    stranger.force_login(bob)
    assert stranger.post(f"/v/{take.pk}/pick/").status_code == 404
    body = flat(page.post(f"/v/{alone.pk}/pick/", follow=True))
    assert "This video was ordered alone, so there are no other takes." in body
    assert set(Video.objects.values_list("picked_at", flat=True)) == {None}
