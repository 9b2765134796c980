"""The showcase: what its owner offered and staff published, seen once an hour, liked once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from showcase import counters, gallery
from showcase.models import Clip, ClipView
from tests.billing.conftest import grant_credits
from tests.conftest import signed_in
from tests.videos.conftest import completed, failed, order
from videos.account import deletion
from videos.jobs import removal
from videos.models import Video

pytestmark = pytest.mark.django_db

LIST = "/api/showcase/videos"


def film(user: User, mp4: bytes, title: str = "A boat", order_no: int = 100, **fields: Any) -> Clip:
    """A public clip of a finished video."""
    clip = gallery.offer(completed(order(user, **fields), mp4))
    Clip.objects.filter(pk=clip.pk).update(title=title, display_order=order_no, is_active=True)
    clip.refresh_from_db()
    return clip


@pytest.fixture
def clip(alice: User, mp4: bytes) -> Clip:
    return film(alice, mp4)


# ---- the documented API ----


def test_list_has_the_documented_body(anonymous: APIClient, clip: Clip) -> None:
    answer = anonymous.get(LIST)
    assert answer.status_code == 200
    body = answer.json()
    (shown,) = body.pop("videos")
    assert body == {"total": 1, "page": 1, "page_size": 12, "total_pages": 1}
    assert shown.pop("created_at").endswith("Z")
    assert shown == {
        "id": clip.pk,
        "title": "A boat",
        "description": "",
        "video_url": f"http://127.0.0.1:8000/showcase/{clip.pk}/video.mp4",
        "thumbnail_url": f"http://127.0.0.1:8000/showcase/{clip.pk}/poster.webp",
        "task_type": "TEXT_TO_VIDEO",
        "quality": "standard",
        "aspect_ratio": "landscape",
        "style": "live",
        "maker": None,
        "duration_seconds": 4.0,
        "view_count": 0,
        "like_count": 0,
        "display_order": 100,
        "is_active": True,
    }


def test_file_urls_point_to_the_cdn_when_one_is_configured(
    anonymous: APIClient, clip: Clip, settings: LazySettings
) -> None:
    settings.CDN_URL = "https://cdn.example.com"
    (shown,) = anonymous.get(LIST).json()["videos"]
    base = f"https://cdn.example.com/videos/{clip.video.user_id}/{clip.video_id}"
    assert (shown["video_url"], shown["thumbnail_url"]) == (f"{base}.mp4", f"{base}.webp")


def test_list_follows_the_order_set_by_staff(anonymous: APIClient, alice: User, mp4: bytes) -> None:
    film(alice, mp4, "second", 20)
    film(alice, mp4, "first", 10)
    film(alice, mp4, "newer second", 20)
    titles = [shown["title"] for shown in anonymous.get(LIST).json()["videos"]]
    assert titles == ["first", "newer second", "second"]


def test_list_contains_only_public_clips(
    anonymous: APIClient, alice: User, bob: User, mp4: bytes
) -> None:
    offered = gallery.offer(completed(order(alice), mp4))
    deleted, withdrawn, left = film(alice, mp4), film(alice, mp4), film(bob, mp4)
    removal.delete(deleted.video)
    gallery.withdraw(withdrawn.video)
    deletion.request_deletion(bob)
    assert anonymous.get(LIST).json()["total"] == 0
    hidden = (offered, deleted, withdrawn, left)
    assert [anonymous.get(f"{LIST}/{c.pk}").status_code for c in hidden] == [404] * 4


@pytest.mark.parametrize(
    ("query", "found", "pages"),
    [("page_size=2", 2, 2), ("page_size=2&page=2", 1, 2), ("page=9", 0, 1)],
)
def test_list_is_paginated(
    anonymous: APIClient, alice: User, mp4: bytes, query: str, found: int, pages: int
) -> None:
    for _ in range(3):
        film(alice, mp4)
    body = anonymous.get(f"{LIST}?{query}").json()
    assert (len(body["videos"]), body["total"], body["total_pages"]) == (found, 3, pages)


@pytest.mark.parametrize("query", ["page=0", "page=x", "page_size=0", "page_size=101", "page=1e9"])
def test_list_is_refused_when_page_is_out_of_range(anonymous: APIClient, query: str) -> None:
    assert anonymous.get(f"{LIST}?{query}").status_code == 422


def test_list_needs_as_many_queries_for_many_clips(
    anonymous: APIClient, alice: User, clip: Clip, mp4: bytes
) -> None:  # fmt: skip
    with CaptureQueriesContext(connection) as one:
        anonymous.get(LIST)
    film(alice, mp4)
    film(alice, mp4)
    with CaptureQueriesContext(connection) as three:
        anonymous.get(LIST)
    assert len(three) == len(one)


# ---- while it is being set up ----


@pytest.fixture
def no_table(transactional_db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE showcase_clip RENAME TO showcase_clip_away")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE showcase_clip_away RENAME TO showcase_clip")


def closed(anonymous: APIClient) -> None:
    listed = anonymous.get(LIST)
    assert (listed.status_code, listed.json()) == (
        200,
        {
            "total": 0, "page": 1, "page_size": 12, "total_pages": 0, "videos": [],
            "message": "The showcase is being set up.",
        },
    )  # fmt: skip
    one = anonymous.get(f"{LIST}/1")
    assert (one.status_code, one.json()["detail"]) == (503, "The showcase is being set up.")
    assert Client().get("/").status_code == 200


def test_list_is_empty_when_table_is_missing(no_table: None, anonymous: APIClient) -> None:
    closed(anonymous)


def test_list_is_empty_when_showcase_is_switched_off(
    anonymous: APIClient, settings: LazySettings
) -> None:
    settings.SHOWCASE = False
    closed(anonymous)


# ---- views and likes ----


def views(clip: Clip) -> int:
    return Clip.objects.get(pk=clip.pk).view_count


def test_view_counts_once_per_visitor_and_hour(
    anonymous: APIClient, clip: Clip, time_machine: Any
) -> None:
    time_machine.move_to("2026-11-21T10:59:00Z", tick=False)
    first = anonymous.get(f"{LIST}/{clip.pk}").json()["view_count"]
    again = anonymous.get(f"{LIST}/{clip.pk}").json()["view_count"]
    other = anonymous.get(f"{LIST}/{clip.pk}", headers={"User-Agent": "other"}).json()["view_count"]
    far = anonymous.get(f"{LIST}/{clip.pk}", REMOTE_ADDR="203.0.113.9").json()["view_count"]
    time_machine.move_to("2026-11-21T11:00:00Z", tick=False)
    later = anonymous.get(f"{LIST}/{clip.pk}").json()["view_count"]
    assert (first, again, other, far, later, views(clip)) == (1, 1, 1, 2, 3, 3)


def test_views_count_separately_when_visitors_share_a_proxy(
    anonymous: APIClient, clip: Clip, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXIES = 1
    for address in ("203.0.113.8", "203.0.113.9", "203.0.113.9"):
        anonymous.get(f"{LIST}/{clip.pk}", headers={"X-Forwarded-For": address})
    assert views(clip) == 2


def test_clip_page_counts_views_like_the_api(clip: Clip, page: Client) -> None:
    page.get(f"/showcase/{clip.pk}/")
    page.get(f"/showcase/{clip.pk}/")
    page.head(f"/showcase/{clip.pk}/", REMOTE_ADDR="203.0.113.9")
    page.get(
        f"/showcase/{clip.pk}/", REMOTE_ADDR="203.0.113.8", headers={"Sec-Purpose": "prefetch"}
    )
    assert views(clip) == 1


@pytest.mark.django_db(transaction=True)
def test_each_visitor_counts_once_when_many_come_at_once(clip: Clip) -> None:
    def look(n: int) -> None:
        counters.count_view(clip, f"203.0.113.{n % 10}")
        connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, range(50)))
    assert (views(clip), ClipView.objects.count()) == (10, 10)


def test_view_rows_are_deleted_when_they_are_old(clip: Clip, time_machine: Any) -> None:
    time_machine.move_to("2026-11-21T10:00:00Z")
    counters.count_view(clip, "203.0.113.9")
    assert "203.0.113" not in str(list(ClipView.objects.values()))
    time_machine.move_to("2026-11-23T12:00:00Z")
    counters.delete_old_views()
    assert (ClipView.objects.count(), views(clip)) == (0, 1)


def test_like_counts_once_and_can_be_removed(
    clip: Clip, api: APIClient, stranger: APIClient
) -> None:
    address = f"{LIST}/{clip.pk}/like"
    counts = [api.post(address).json(), api.post(address).json(), stranger.post(address).json()]
    assert [said["like_count"] for said in counts] == [1, 1, 2]
    assert (api.delete(address).json(), api.delete(address).json()) == (
        {"liked": False, "like_count": 1},
        {"liked": False, "like_count": 1},
    )


def test_like_is_refused_when_nobody_is_signed_in(clip: Clip, anonymous: APIClient) -> None:
    assert anonymous.post(f"{LIST}/{clip.pk}/like").status_code == 401
    answer = Client().post(f"/showcase/{clip.pk}/like/")
    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/")


def test_like_is_not_found_when_clip_is_not_public(clip: Clip, api: APIClient) -> None:
    gallery.withdraw(clip.video)
    assert api.post(f"{LIST}/{clip.pk}/like").status_code == 404


def test_clip_page_adds_and_removes_a_like(clip: Clip, page: Client) -> None:
    def likes() -> int:
        return Clip.objects.get(pk=clip.pk).like_count

    page.post(f"/showcase/{clip.pk}/like/")
    assert likes() == 1
    page.post(f"/showcase/{clip.pk}/like/", {"liked": "1"})
    assert likes() == 0


# ---- consent ----


def test_offer_is_refused_when_video_is_not_finished(alice: User) -> None:
    with pytest.raises(gallery.NotReady):
        gallery.offer(failed(order(alice)))
    assert Clip.objects.count() == 0


def test_owner_offers_and_withdraws_a_video(alice: User, page: Client, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    page.post(f"/v/{video.pk}/offer/")
    offered = Clip.objects.get(video=video)
    assert (offered.is_active, offered.title) == (False, "A paper boat")
    assert offered.consented_at is not None
    Clip.objects.update(is_active=True)
    page.post(f"/v/{video.pk}/offer/", {"withdraw": "1"})
    withdrawn = Clip.objects.get(video=video)
    assert (withdrawn.consented_at, withdrawn.is_active) == (None, False)


def test_offer_is_not_found_when_video_belongs_to_another_user(
    bob: User, page: Client, mp4: bytes
) -> None:
    video = completed(order(bob), mp4)
    assert page.post(f"/v/{video.pk}/offer/").status_code == 404
    assert Clip.objects.count() == 0


def test_database_refuses_public_clip_when_owner_has_not_agreed(clip: Clip) -> None:
    gallery.withdraw(clip.video)
    with pytest.raises(IntegrityError), transaction.atomic():
        Clip.objects.update(is_active=True)


# ---- public pages and files ----


@pytest.mark.parametrize("address", ["/", "/showcase/", "/showcase/?shape=landscape&order=liked"])
def test_public_pages_show_a_published_clip(address: str, clip: Clip) -> None:
    text = Client().get(address).content.decode()
    assert f"/showcase/{clip.pk}/" in text
    assert "A boat" in text


def test_showcase_filters_by_aspect_ratio(alice: User, clip: Clip, mp4: bytes) -> None:
    film(alice, mp4, "A tower", size="720x1280")
    wide = Client().get("/showcase/?shape=landscape").content.decode()
    tall = Client().get("/showcase/?shape=portrait").content.decode()
    assert "A boat" in wide
    assert "A tower" not in wide
    assert "A boat" not in tall
    assert "A tower" in tall


def test_clip_file_is_sent_when_nobody_is_signed_in(clip: Clip, mp4: bytes) -> None:
    answer: Any = Client().get(f"/showcase/{clip.pk}/video.mp4", headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer["Cache-Control"], answer["Content-Type"]) == (
        206, "public, max-age=3600", "video/mp4",
    )  # fmt: skip
    removal.delete(clip.video)
    assert Client().get(f"/showcase/{clip.pk}/video.mp4").status_code == 404


@pytest.mark.parametrize("who", ["anonymous", "alice", "staff"])
def test_preview_is_shown_when_visitor_is_staff(
    who: str, alice: User, staff: User, mp4: bytes
) -> None:  # fmt: skip
    offered = gallery.offer(completed(order(alice), mp4))
    client = Client()
    if who != "anonymous":
        client.force_login({"alice": alice, "staff": staff}[who])
    answer = client.get(f"/showcase/{offered.pk}/preview/")
    assert answer.status_code == (200 if who == "staff" else 404)


# ---- staff ----


def test_staff_publish_and_hide_clips(alice: User, staff: User, mp4: bytes) -> None:
    agreed = gallery.offer(completed(order(alice), mp4))
    refused = gallery.offer(completed(order(alice), mp4))
    gallery.withdraw(refused.video)
    client = Client()
    client.force_login(staff)
    chosen = {"_selected_action": [agreed.pk, refused.pk]}
    client.post("/admin/showcase/clip/", {"action": "publish", **chosen})
    states = dict(Clip.objects.values_list("pk", "is_active"))
    assert states == {agreed.pk: True, refused.pk: False}
    client.post("/admin/showcase/clip/", {"action": "hide", **chosen})
    assert not Clip.objects.filter(is_active=True).exists()
    assert list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True)) == [
        "Published.", "Hidden.",
    ]  # fmt: skip


def test_staff_cannot_publish_clip_when_owner_does_not_agree(
    alice: User, staff: User, mp4: bytes
) -> None:  # fmt: skip
    clip = gallery.offer(completed(order(alice), mp4))
    gallery.withdraw(clip.video)
    client = Client()
    client.force_login(staff)
    body = {"title": "A boat", "description": "", "display_order": 1, "is_active": "on"}
    answer = client.post(f"/admin/showcase/clip/{clip.pk}/change/", body)
    assert "because its owner does not agree" in answer.content.decode()
    assert Video.objects.get(pk=clip.video_id).clip.is_active is False


def test_admin_page_shows_the_preview(clip: Clip, staff: User) -> None:
    client = Client()
    client.force_login(staff)
    listed = client.get("/admin/showcase/clip/").content.decode()
    single = client.get(f"/admin/showcase/clip/{clip.pk}/change/").content.decode()
    preview = f"/showcase/{clip.pk}/preview/"
    assert preview in listed
    assert preview in single
    assert "js/order.js" in listed


def test_public_list_is_shown_when_token_is_expired(clip: Clip) -> None:
    wrong = APIClient()
    wrong.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert (wrong.get(LIST).status_code, signed_in(clip.video.user).get(LIST).status_code) == (
        200,
        200,
    )
    assert timezone.now() > clip.created_at


def test_clip_is_deleted_when_its_video_was_deleted(clip: Clip) -> None:
    removal.delete(clip.video)
    gallery.delete_clips_of_deleted_videos()
    assert Clip.objects.count() == 0


# ---- search ----


def test_showcase_filters_by_model_and_length(alice: User, clip: Clip, mp4: bytes) -> None:
    film(alice, mp4, "A tower", model="sora-2-pro", seconds=12)
    found = {
        query: [card.title for card in Client().get(f"/showcase/?{query}").context["cards"]]
        for query in ("model=sora-2", "model=sora-2-pro", "length=12", "length=8&model=sora-2-pro")
    }
    assert found == {
        "model=sora-2": ["A boat"],
        "model=sora-2-pro": ["A tower"],
        "length=12": ["A tower"],
        "length=8&model=sora-2-pro": [],
    }


@pytest.mark.parametrize("query", ["model=zebra", "length=x", "length=%C2%B2", "order=y&shape=z"])
def test_showcase_ignores_unknown_filter_values(clip: Clip, query: str) -> None:
    assert [card.title for card in Client().get(f"/showcase/?{query}").context["cards"]] == [
        "A boat"
    ]


def test_showcase_says_so_when_no_clip_matches(clip: Clip) -> None:
    assert b"No clip matches these filters." in Client().get("/showcase/?length=77").content


def test_grid_has_one_large_card_when_there_are_many(alice: User, mp4: bytes) -> None:
    def large() -> list[str]:
        cards = Client().get("/showcase/?order=new").context["cards"]  # without samples
        return [card.title for card in cards if card.is_large]

    grant_credits(alice, 100)
    for n in range(1, 6):
        film(alice, mp4, f"{n}", n)
    assert large() == []
    film(alice, mp4, "tall", 6, size="720x1280")
    assert large() == ["5"]


def test_showcase_page_needs_as_many_queries_for_many_clips(
    clip: Clip, alice: User, mp4: bytes
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            Client().get("/showcase/")
        return len(caught)

    few = queries()
    film(alice, mp4, "Another")
    assert queries() == few


def test_visitor_returns_to_clip_when_signing_in_to_like(clip: Clip) -> None:
    answer = Client().post(f"/showcase/{clip.pk}/like/")
    assert answer["Location"] == f"/accounts/login/?next=/showcase/{clip.pk}/"


def test_clip_page_has_link_preview_metadata(clip: Clip) -> None:
    text = Client().get(f"/showcase/{clip.pk}/").content.decode()
    own = f"http://127.0.0.1:8000/showcase/{clip.pk}/"
    wanted = {"og:url": own, "og:image": f"{own}poster.webp", "og:video": f"{own}video.mp4"}
    found = {name: f'property="{name}" content="{value}"' in text for name, value in wanted.items()}
    assert found == dict.fromkeys(wanted, True)


@pytest.mark.parametrize("path", ["/", "/showcase/", "/pricing/"])
def test_every_public_page_links_to_the_others(path: str) -> None:
    header = Client().get(path).content.decode().split("<main")[0]
    links = ("/showcase/", "/pricing/", "/developers/", "/help/", "/accounts/login/")
    assert [f'href="{link}' for link in links if f'href="{link}' not in header] == []
