"""Tags: put on videos on pages and by API, found by, listed without a query for each video."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from config.lib import texts
from tests.conftest import create_user
from tests.markup import flat
from tests.videos.conftest import order, reloaded
from videos.account import deletion
from videos.jobs import removal
from videos.library import tags
from videos.models import Tag, Video


def names(video: Video) -> list[str]:
    return [tag.name for tag in video.tags.all()]


def shown(page: Client, query: str) -> list[str]:
    """The prompts on the cards of a library page."""
    body = flat(page.get(f"/library/{query}"))
    return [part.split("</a>")[0].split(">")[-1] for part in body.split("card__title")[1:]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("harbour", ["harbour"]),
        (" client  A ,, night,", ["client A", "night"]),
        ("夜，港、海", ["夜", "港", "海"]),
        ("a\u202eb\x07", ["ab"]),
        ("e\u0301te\u0301", ["\u00e9t\u00e9"]),
        ("\u200b, ", []),
        ("x" * 40, ["x" * 40]),
    ],
)
def test_text_is_split_into_names(text: str, expected: list[str]) -> None:
    assert tags.split(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * 41, "A tag has at most 40 characters."),
        ("\ufdfa" * 3, "A tag has at most 40 characters."),
        ("\u200b", "A tag needs a letter, a digit or a symbol."),
        ("a, b", "A tag contains no comma."),
    ],
)
def test_text_is_refused_as_a_name(text: str, why: str) -> None:
    with pytest.raises(tags.BadTag) as refused:
        tags.name_of(text)
    assert str(refused.value) == why


def test_tags_are_put_on_and_taken_off_on_the_page(page: Client, alice: User) -> None:
    video, other = order(alice, "A harbour"), order(alice, "A forest")
    path = f"/v/{video.pk}/tags/"
    assert page.post(path, {"add": "Night, client A"}).status_code == 303
    page.post(f"/v/{other.pk}/tags/", {"add": "NIGHT"})
    assert (names(video), names(other)) == (["client A", "Night"], ["Night"])
    body = flat(page.get(f"/v/{video.pk}/"))
    assert '<a href="/library/?tag=client%20A">client A</a>' in body
    assert '<option value="client A"></option><option value="Night"></option>' in body
    assert shown(page, "?tag=nIGHT") == ["A forest", "A harbour"]
    for view in ("grid", "small", "list"):
        assert shown(page, f"?tag=client+a&view={view}") == ["A harbour"]
        assert "client A, Night" in flat(page.get(f"/library/?view={view}"))
    assert "<option selected>Night</option>" in flat(page.get("/library/?tag=night"))
    page.post(path, {"remove": "client a"})
    assert (names(video), shown(page, "?tag=client+a")) == (["Night"], [])
    assert [tag.name for tag in Tag.objects.all()] == ["Night"]
    removal.delete(reloaded(video), undo=True)
    removal.delete(reloaded(other), undo=True)
    assert list(tags.tags_of(alice)) == []
    removal.restore(reloaded(other))
    assert [tag.name for tag in tags.tags_of(alice)] == ["Night"]


def test_page_says_why_a_tag_is_refused(page: Client, alice: User) -> None:
    video = order(alice)
    path = f"/v/{video.pk}/tags/"
    refused = page.post(path, {"add": "x" * 41}, follow=True)
    assert "A tag has at most 40 characters." in refused.content.decode()
    answer = page.post(path, {"add": ",".join(f"t{n}" for n in range(21)), "quiet": "1"})
    assert "A video has at most 20 tags." in answer.content.decode()
    part = page.post(path, {"add": "one", "quiet": "1"})
    assert (part.status_code, "<html" in part.content.decode()) == (200, False)
    assert names(video) == ["one"]


def test_several_videos_are_tagged_at_once(page: Client, alice: User, bob: User) -> None:
    first, second, strange = order(alice), order(alice), order(bob)
    tags.add([first], ["night"])
    ids = [str(video.pk) for video in (first, second, strange)]

    def post(**data: Any) -> str:
        return page.post("/library/tag/", data, follow=True).content.decode()

    assert "2 videos are tagged." in post(video=ids, tags="Night, sea")
    assert [names(video) for video in (first, second, strange)] == [["night", "sea"]] * 2 + [[]]
    assert "Select at least one video." in post(tags="sea")
    assert "Enter a tag." in post(video=ids, tags=" ")
    assert "at most 40" in post(video=ids, tags="x" * 41)
    # The Enter key in the field for a new collection.
    assert "Harbours" in post(video=ids, tags="", name="Harbours")
    assert sorted(v.pk for v in alice.video_collections.get().videos.all()) == sorted(
        [first.pk, second.pk]
    )


def test_limit_of_a_video_holds_for_many_at_once(alice: User) -> None:
    full, empty = order(alice), order(alice)
    tags.add([full], [f"t{n}" for n in range(19)])
    tags.add([full, empty], ["last"])
    with pytest.raises(tags.TooManyTags):
        tags.add([empty, full], ["more"])
    assert (names(empty), len(names(full))) == (["last"], 20)


def test_user_has_500_tags_at_most(alice: User) -> None:
    Tag.objects.bulk_create(
        Tag(user=alice, key=f"k{n}", name=f"k{n}") for n in range(tags.MOST_OF_USER)
    )
    video = order(alice)
    with pytest.raises(tags.TooManyTags, match="You have 500 tags, which is the most"):
        tags.add([video], ["new"])
    tags.add([video], ["K1"])
    assert names(video) == ["k1"]


def test_stranger_finds_no_video_to_tag(page: Client, bob: User) -> None:
    video = order(bob)
    assert page.post(f"/v/{video.pk}/tags/", {"add": "mine"}).status_code == 404
    anonymous = Client()
    for path in (f"/v/{video.pk}/tags/", "/library/tag/"):
        assert anonymous.post(path, {"add": "mine"}).status_code == 302
        assert page.get(path).status_code == 405
    assert Tag.objects.count() == 0


def test_tags_of_another_user_find_nothing(page: Client, alice: User, bob: User) -> None:
    tags.add([order(bob)], ["night"])
    order(alice)
    assert shown(page, "?tag=night") == []
    assert "<option>night</option>" not in flat(page.get("/library/"))


# ---- API ----


def test_tags_are_replaced_listed_and_found_by_api(api: APIClient, alice: User) -> None:
    video, other = order(alice, "A harbour"), order(alice, "A forest")
    path = f"/api/videos/{video.pk}"
    answer = api.patch(path, {"tags": [" Night ", "night", "sea"]}, format="json")
    assert (answer.status_code, answer.json()["tags"]) == (200, ["Night", "sea"])
    assert api.patch(path, {"title": "Mine"}, format="json").json()["tags"] == ["Night", "sea"]
    found = api.get("/api/videos", {"tag": "SEA"}).json()
    assert [(row["title"], row["tags"]) for row in found["videos"]] == [("Mine", ["Night", "sea"])]
    assert (found["total"], found["has_more"]) == (1, False)
    assert api.get("/api/videos", {"tag": "sea", "status": "completed"}).json()["total"] == 0
    assert api.get("/api/videos", {"tag": "sea", "q": "forest"}).json()["videos"] == []
    assert api.get("/api/videos", {"tag": ""}).json()["total"] == 2
    assert api.get(f"/api/videos/{other.pk}").json()["tags"] == []
    assert api.patch(path, {"tags": []}, format="json").json()["tags"] == []
    assert Tag.objects.count() == 0


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        ("night", ["body", "tags"]),
        ([7], ["body", "tags", 0]),
        ([""], ["body", "tags", 0]),
        (["a,b"], ["body", "tags", 0]),
        (["x" * 41], ["body", "tags", 0]),
        ([f"t{n}" for n in range(21)], ["body", "tags"]),
    ],
)
def test_change_is_422_when_tags_are_not_valid(
    api: APIClient, alice: User, sent: Any, where: list[Any]
) -> None:
    video = order(alice)
    answer = api.patch(f"/api/videos/{video.pk}", {"tags": sent, "title": "X"}, format="json")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, where)
    assert (names(video), reloaded(video).title) == ([], None)


def test_change_is_404_for_the_tags_of_another_user(api: APIClient) -> None:
    video = order(create_user("mallory"))
    answer = api.patch(f"/api/videos/{video.pk}", {"tags": ["mine"]}, format="json")
    assert (answer.status_code, names(video)) == (404, [])


def test_lists_need_as_many_queries_for_many_tags(
    page: Client, api: APIClient, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    videos = [order(alice) for _n in range(3)]
    tags.add(videos[:1], ["night"])
    page.get("/library/")  # the session is written once
    tags.add(videos, ["night", "sea", "client A"])
    with django_assert_num_queries(13):
        page.get("/library/")
    with django_assert_num_queries(5):
        api.get("/api/videos?tag=sea")


def test_tags_are_erased_with_their_account(alice: User) -> None:
    tags.add([order(alice)], ["night"])
    deletion.erase_account(alice)
    assert Tag.objects.count() == 0


def test_key_of_a_name_fits_its_column() -> None:
    name = tags.name_of("\ufb03" * 13)
    assert (len(name), len(texts.search_key(name))) == (13, 39)


def test_first_spelling_of_a_tag_stays(api: APIClient, alice: User) -> None:
    video = order(alice)
    answer = api.patch(f"/api/videos/{video.pk}", {"tags": ["boat", "BOAT"]}, format="json")
    assert answer.json()["tags"] == ["boat"]
