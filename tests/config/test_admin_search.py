"""/admin/search/: one search over all lists, within what staff may see."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from billing.ledger import credits
from tests.conftest import create_user
from tests.markup import flat
from tests.videos.conftest import completed, order
from tests.videos.conftest import mp4 as mp4  # noqa: PLC0414
from videos.models import RejectedPrompt, Video

PATH = "/admin/search/"


def found(page: Client, words: str) -> dict[str, list[str]]:
    """The names of what is found, by the headings of the groups."""
    groups = page.get(PATH, {"q": words}).context["groups"]
    return {group.label: [row.name for row in group.rows] for group in groups}


@pytest.fixture
def harbour(alice: User, mp4: bytes) -> Video:
    RejectedPrompt.objects.create(user=alice, prompt="A harbour in flames", categories=["violence"])
    return completed(order(alice, "A harbour at dawn"), mp4)


def test_search_finds_people_and_what_they_made(
    staff_client: Client, alice: User, bob: User, harbour: Video
) -> None:
    of_alice = {
        "Users": ["alice"],
        "Videos": ["A harbour at dawn"],
        "Rejected prompts": ["A harbour in flames"],
    }
    assert found(staff_client, "alice") == of_alice
    assert found(staff_client, "Alice@Example.com") == of_alice
    harbours = {name: rows for name, rows in of_alice.items() if name != "Users"}
    assert found(staff_client, "  harbour ") == harbours
    assert found(staff_client, str(harbour.pk)) == {"Videos": ["A harbour at dawn"]}
    assert found(staff_client, harbour.engine_job_id) == {"Videos": ["A harbour at dawn"]}
    assert found(staff_client, "zebra") == found(staff_client, " ") == {}
    assert found(staff_client, "har\0bour") == harbours


def test_search_leads_to_the_pages_and_to_the_whole_list(
    staff_client: Client, alice: User, harbour: Video
) -> None:
    credits.grant(alice, 100, credits.Kind.EARNED, "gift", expires_at=None)
    newest = [order(alice, f"Harbour {n}") for n in range(5)][::-1]
    text = flat(staff_client.get(PATH, {"q": "harbour"}))
    videos = text.split(">Videos</h2>")[1].split("</section>")[0]
    links = re.findall('href="([^"]+)"', videos)
    pages = [f"/admin/videos/video/{video.pk}/change/" for video in newest]
    assert links == [*pages, "/admin/videos/video/?q=harbour"]
    assert 'id="staff-search"' in text
    assert "Nothing contains “zebra”." in flat(staff_client.get(PATH, {"q": "zebra"}))


def test_search_shows_staff_only_what_they_may_see(alice: User, harbour: Video) -> None:
    helper = create_user("helper", is_staff=True)
    page = Client()
    page.force_login(helper)
    assert found(page, "alice") == {}
    helper.user_permissions.add(Permission.objects.get(codename="view_video"))
    assert list(found(page, "alice")) == ["Videos"]


def test_search_is_for_staff(page: Client) -> None:
    assert page.get(PATH, {"q": "alice"}, follow=True).status_code == 403
    assert Client().get(PATH)["Location"].startswith("/admin/login/")


def test_search_needs_as_many_queries_for_many_rows(
    staff_client: Client,
    alice: User,
    harbour: Video,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for n in range(4):
        RejectedPrompt.objects.create(user=create_user(f"user{n}"), prompt="Harbour", categories=[])
    with django_assert_max_num_queries(15):
        assert len(found(staff_client, "harbour")) == 2
