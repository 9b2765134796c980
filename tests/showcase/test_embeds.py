"""How other sites show public videos: cards, oEmbed, framed players; feeds and the site map."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from showcase import gallery, makers
from showcase.models import Clip
from tests.markup import flat
from tests.showcase.test_showcase import film
from videos.library import share_links

pytestmark = pytest.mark.django_db
BASE = "http://127.0.0.1:8000"


@pytest.fixture
def clip(alice: User, mp4: bytes) -> Clip:
    User.objects.filter(pk=alice.pk).update(display_name="Alice Lind")
    return film(alice, mp4, prompt="A boat at dawn")


def asked(url: str, **query: Any) -> Any:
    return Client().get("/oembed", {"url": url, **query})


def metas(path: str) -> dict[str, str]:
    found = re.findall(
        r'<meta\s+(?:property|name)="([^"]+)"\s+content="([^"]*)"', flat(Client().get(path))
    )
    return dict(found)


def test_clip_is_described_by_oembed_as_its_page_promises(clip: Clip, alice: User) -> None:
    alice.refresh_from_db()
    maker = makers.publish(alice, "")
    page = flat(Client().get(f"/showcase/{clip.pk}/"))
    (link,) = re.findall(r'type="application/json\+oembed"\s+href="([^"]+)"', page)
    answer = Client().get(link.removeprefix(BASE).replace("&amp;", "&"))
    body = answer.json()
    html = body.pop("html")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert body == {
        "version": "1.0",
        "type": "video",
        "title": "A boat",
        "author_name": "Alice Lind",
        "author_url": f"{BASE}/showcase/by/{maker.slug}/",
        "provider_name": "Firstlight",
        "provider_url": f"{BASE}/",
        "thumbnail_url": f"{BASE}/showcase/{clip.pk}/poster.webp",
        "thumbnail_width": 1280,
        "thumbnail_height": 720,
        "width": 1280,
        "height": 720,
    }
    assert f'<iframe src="{BASE}/showcase/{clip.pk}/embed/" width="1280" height="720"' in html
    small = asked(f"{BASE}/showcase/{clip.pk}/", maxwidth=640, maxheight=900).json()
    assert (small["width"], small["height"]) == (640, 360)


def test_share_link_tells_its_prompt_only_where_the_owner_shows_it(clip: Clip) -> None:
    link = share_links.create_link(clip.video)
    path = f"/s/{share_links.token_of(link)}/"
    body = asked(BASE + path).json()
    assert (body["title"], body["thumbnail_url"]) == ("A shared video", f"{BASE}{path}poster.webp")
    player = Client().get(f"{path}embed/")
    assert (b"A boat" in player.content, player["X-Robots-Tag"]) == (False, "noindex")
    assert "A boat" not in flat(Client().get(path))
    shown = share_links.create_link(clip.video, with_prompt=True)
    found = metas(f"/s/{share_links.token_of(shown)}/")
    assert (found["og:title"], found["twitter:card"]) == ("A boat at dawn", "player")
    assert (asked(BASE + path).status_code, Client().get(f"{path}embed/").status_code) == (404, 404)


@pytest.mark.parametrize(
    ("url", "query", "status"),
    [
        ("", {}, 404),
        ("https://elsewhere.example/showcase/1/", {}, 404),
        (f"{BASE}/showcase/999/", {}, 404),
        (f"{BASE}/s/nonsense/", {}, 404),
        (f"{BASE}/showcase/1/", {"format": "xml"}, 501),
    ],
)
def test_oembed_refuses_what_is_no_public_video(
    url: str, query: dict[str, str], status: int
) -> None:
    assert asked(url, **query).status_code == status


def test_oembed_is_404_when_the_clip_was_hidden(clip: Clip) -> None:
    page = f"{BASE}/showcase/{clip.pk}/"
    assert asked(page).status_code == 200
    gallery.hide(Clip.objects.all())
    assert asked(page).status_code == 404


def test_only_players_may_be_framed(clip: Clip) -> None:
    framed, page = (Client().get(f"/showcase/{clip.pk}/{name}") for name in ("embed/", ""))
    assert "X-Frame-Options" not in framed
    assert "frame-ancestors *" in framed["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"
    assert f'href="{BASE}/showcase/{clip.pk}/"' in flat(framed)
    gallery.hide(Clip.objects.all())
    assert Client().get(f"/showcase/{clip.pk}/embed/").status_code == 404


def test_card_of_a_clip_has_its_player_and_poster(clip: Clip) -> None:
    found = metas(f"/showcase/{clip.pk}/")
    page = f"{BASE}/showcase/{clip.pk}/"
    assert found["og:url"] == page
    assert found["og:image"] == f"{page}poster.webp"
    assert found["og:video"] == f"{page}video.mp4"
    assert found["og:description"] == "A boat at dawn"
    assert found["twitter:player"] == f"{page}embed/"


@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_feed_opens_when_texts_have_control_characters(
    clip: Clip, alice: User, page: Client, kind: str
) -> None:
    hostile = "a\x08b\x1b\u202ec"
    page.post("/showcase/you/", {"name": hostile, "about": hostile})
    Clip.objects.update(title=hostile, description=hostile)
    body = Client().get(f"/showcase/feed.{kind}").content.decode()
    assert (body.count("abc"), "\u202e" in body) == (3, False)
    assert User.objects.get(pk=alice.pk).display_name == "abc"


def test_feeds_have_the_newest_clips_and_the_site_map_every_page(
    clip: Clip, alice: User, settings: LazySettings
) -> None:
    alice.refresh_from_db()
    maker = makers.publish(alice, "")
    page = f"{BASE}/showcase/{clip.pk}/"
    atom = ElementTree.fromstring(Client().get("/showcase/feed.atom").content)
    names = {"a": "http://www.w3.org/2005/Atom"}
    assert [e.text for e in atom.findall("a:entry/a:id", names)] == [page]
    assert [e.text for e in atom.findall("a:entry/a:author/a:name", names)] == ["Alice Lind"]
    rss = ElementTree.fromstring(Client().get("/showcase/feed.rss").content)
    assert [e.text for e in rss.findall("channel/item/link")] == [page]
    tree = ElementTree.fromstring(Client().get("/sitemap.xml").content)
    listed = [e.text for e in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    wanted = {f"{BASE}/", f"{BASE}/pricing/", page, f"{BASE}/showcase/by/{maker.slug}/"}
    assert wanted <= set(listed)
    assert f"Sitemap: {BASE}/sitemap.xml" in Client().get("/robots.txt").content.decode()
    gallery.hide(Clip.objects.all())
    assert page.encode() not in Client().get("/sitemap.xml").content
