"""Makers are named, and have a page, only when they want; styles of clips; reports in place."""

import io
import json
import zipfile

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from showcase import makers, styles, tasks
from showcase.models import AbuseReport, Clip, Maker
from showcase.styles import Style
from tests.markup import flat
from tests.showcase.test_showcase import film
from videos.account import data_export

pytestmark = pytest.mark.django_db
OWN = "/showcase/you/"


@pytest.fixture
def clip(alice: User, mp4: bytes) -> Clip:
    User.objects.filter(pk=alice.pk).update(display_name="Alice Lind")
    return film(alice, mp4)


def test_maker_is_named_when_the_page_is_published_and_not_before(
    page: Client, clip: Clip, alice: User
) -> None:
    public = f"/showcase/{clip.pk}/"
    assert "Alice Lind" not in flat(Client().get(public))
    assert page.post(OWN, {"name": "Alice Lind", "about": "Films of water"}).status_code == 303
    address = f"/showcase/by/{Maker.objects.get().slug}/"
    assert f'By<a href="{address}">Alice Lind</a>' in flat(Client().get(public))
    (shown,) = Client().get("/api/showcase/videos").json()["videos"]
    assert shown["maker"] == {"name": "Alice Lind", "url": f"http://127.0.0.1:8000{address}"}
    text = flat(Client().get(address))
    found = "Films of water" in text, f'href="{public}"' in text, "alice@" in text
    assert found == (True, True, False)
    assert address in flat(page.get(OWN))
    page.post(OWN, {"hide": "1"})
    assert Client().get(address).status_code == 404
    assert "Alice Lind" not in flat(Client().get(public))


def test_page_is_not_public_when_no_clip_is_published(page: Client, clip: Clip) -> None:
    page.post(OWN, {"name": "Spam Ltd", "about": "Buy here"})
    address = f"/showcase/by/{Maker.objects.get().slug}/"
    assert address in Client().get("/sitemap.xml").content.decode()
    Clip.objects.update(is_active=False)
    assert Client().get(address).status_code == 404
    assert address not in Client().get("/sitemap.xml").content.decode()


def test_page_needs_a_name_and_a_sign_in(page: Client) -> None:
    for fields in ({"name": ""}, {"name": "x" * 81}, {"name": "Al", "about": "x" * 301}):
        assert page.post(OWN, fields).status_code == 422
    assert Client().get(OWN)["Location"] == f"/accounts/login/?next={OWN}"
    assert (Maker.objects.count(), Client().get("/showcase/by/nobody/").status_code) == (0, 404)


def test_page_goes_with_the_account(clip: Clip, alice: User) -> None:
    alice.refresh_from_db()
    maker = makers.publish(alice, "")
    User.objects.filter(pk=alice.pk).update(is_active=False, erased_at=timezone.now())
    assert Client().get(f"/showcase/by/{maker.slug}/").status_code == 404
    tasks.delete_expired()
    assert Maker.objects.count() == 0


def test_export_has_the_page_of_its_user(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(display_name="Alice")
    alice.refresh_from_db()
    maker = makers.publish(alice, "I film paper")
    file = io.BytesIO()
    data_export.write_zip(alice, file)
    (profile,) = json.loads(zipfile.ZipFile(file).read("profile.json"))
    shown = {name: profile[f"showcase_{name}"] for name in ("page", "about", "is_public")}
    assert shown == {"page": maker.slug, "about": "I film paper", "is_public": True}


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        ("A fox crosses the snow", Style.LIVE),
        ("An anime fox, hand drawn", Style.ANIMATION),
        ("Stop motion clay fox", Style.ANIMATION),
        ("A fox on 35 mm film", Style.VINTAGE),
        ("Macro of a drop", Style.MACRO),
        ("抽象的颜色", Style.ABSTRACT),
    ],
)
def test_style_is_guessed_from_the_prompt(prompt: str, style: Style) -> None:
    assert styles.guess(prompt) == style


def test_showcase_is_filtered_by_style(alice: User, mp4: bytes) -> None:
    film(alice, mp4, "Live")
    film(alice, mp4, "Drawn", prompt="An anime fox")
    shown = Client().get("/showcase/?style=animation").context
    assert [card.title for card in shown["cards"]] == ["Drawn"]
    assert [name for name, _label in shown["styles"]] == ["live", "animation"]
    assert len(Client().get("/showcase/?style=nonsense").context["cards"]) == 2


def test_report_in_place_leads_back_to_the_clip(clip: Clip, settings: LazySettings) -> None:
    path = f"/showcase/{clip.pk}/"
    fields = {"subject": f"{settings.BASE_URL}{path}", "page": path, "reason": "other"}
    assert f'name="page" value="{path}"' in flat(Client().get(path))
    visitor = Client()
    answer = visitor.post("/report/", fields)
    assert (answer.status_code, answer["Location"]) == (302, path)
    assert "Thank you." in flat(visitor.get(path))
    assert AbuseReport.objects.get().subject == fields["subject"]
    answer = Client().post("/report/", {**fields, "page": "//evil.example/"})
    assert answer["Location"] == "/report/"
