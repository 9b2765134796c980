"""The composer where the catalog offers many models, and the pages that list them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from tests.markup import flat
from tests.videos.catalog.test_offers import GPU, use
from tests.videos.catalog.test_reading import MODEL
from tests.videos.conftest import order
from videos.catalog import prices
from videos.models import Price, Video
from videos.web.composer import Composer

FAKE = {**GPU, "offered_models": ""}
EVERY_ENGINE = {
    "sandbox": {**FAKE, "models": "sora-2=sora-2,sora-2-pro=sora-2-pro", "adapter": "other"},
    **{kind: {**FAKE, "adapter": kind} for kind in ("fal", "gemini", "runway")},
}
LONG = {
    **MODEL,
    "id": "long-1",
    "label": "Long 1",
    "note": "Long shots",
    "resolutions": ["720p", "1080p", "2160p"],
    "seconds": {"min": 3, "max": 30},
    "default_seconds": 5,
    "audio": "always",
    "price": {"per": "second", "text": {"720p": 1.5, "1080p": 2, "2160p": 4}, "image": 4},
}
SHORT = {
    **MODEL,
    "id": "short-1",
    "label": "Short 1",
    "resolutions": ["720p"],
    "seconds": [4, 8],
    "default_seconds": 4,
    "price": {"per": "clip", "seconds": 4, "text": 9},
}


def offer(tmp_path: Path, settings: LazySettings, *models: dict[str, Any]) -> None:
    """Offer these models and no others."""
    use(tmp_path, settings, *models)
    names = ",".join(model["id"] for model in models)
    settings.ENGINES = {"gpu": {**GPU, "offered_models": names}}


@pytest.fixture
def four(tmp_path: Path, settings: LazySettings) -> None:
    """Four models, of which two make the same."""
    others = [{**SHORT, "id": f"short-{n}", "label": f"Short {n}"} for n in (2, 3)]
    offer(tmp_path, settings, SHORT, LONG, *others)


def inputs(body: str, name: str) -> list[str]:
    """The values of the radio buttons that are shown."""
    found = re.findall(
        rf'<label( hidden)? ?><input type="radio" name="{name}" value="([^"]*)"', body
    )
    return [value for hidden, value in found if not hidden]


def test_models_are_cards_in_a_menu_when_they_are_many(page: Client, four: None) -> None:
    body = flat(page.get("/studio/"))
    assert 'popovertarget="models"><span class="visually-hidden">Model</span>' in body
    assert "<span data-chosen>Short 1</span>" in body
    cards = re.findall(
        r'name="model" value="([^"]*)"( checked)? ?><b>([^<]*)</b>'
        r'<span class="model-card__price numeric">([^<]*)</span>'
        r"(?:<span>([^<]*)</span>)?<small class=\"numeric\">([^<]*)</small>",
        body,
    )
    assert cards == [
        ("short-1", " checked", "Short 1", "9 credits up to 4 s", "", "4, 8 s · 720p · no sound"),
        ("long-1", "", "Long 1", "from 1.5 credits a second", "Long shots",
         "3 to 30 s · 720p, 1080p, 2160p · with sound"),
        ("short-2", "", "Short 2", "9 credits up to 4 s", "", "4, 8 s · 720p · no sound"),
        ("short-3", "", "Short 3", "9 credits up to 4 s", "", "4, 8 s · 720p · no sound"),
    ]  # fmt: skip


def test_models_are_side_by_side_when_they_are_few(
    page: Client, tmp_path: Path, settings: LazySettings
) -> None:
    offer(tmp_path, settings, SHORT, LONG)
    body = flat(page.get("/studio/"))
    assert inputs(body, "model") == ["short-1", "long-1"]
    assert 'id="models"' not in body
    assert "<b>Long 1</b>: Long shots. 3 to 30 s · 720p, 1080p, 2160p · with sound" in body


def test_only_what_the_chosen_model_makes_is_shown(page: Client, four: None) -> None:
    short = flat(page.get("/studio/"))
    shown = {name: inputs(short, name) for name in ("size", "resolution", "seconds")}
    assert shown == {"size": ["1280x720", "720x1280"], "resolution": [], "seconds": ["4", "8"]}
    assert '<select class="js" id="lengths" aria-label="Length" hidden></select>' in short
    long = flat(page.get("/studio/?from=" + str(made_with_long().pk)))
    shown = {name: inputs(long, name) for name in ("size", "resolution", "seconds")}
    # The shapes are those of the chosen resolution, and so many lengths are in a select.
    assert shown == {
        "size": ["1920x1080", "1080x1920"],
        "resolution": ["720p", "1080p", "2160p"],
        "seconds": [],
    }
    options = re.findall(r'<option value="(\d+)"( selected)? ?>', long)
    assert [int(n) for n, _selected in options] == list(range(3, 31))
    assert [n for n, selected in options if selected] == ["7"]


def made_with_long() -> Video:
    return order(User.objects.get(), model="long-1", size="1080x1920", seconds=7)


def test_script_knows_the_price_of_every_choice(alice: User, four: None) -> None:
    Price.objects.create(kind="image", model="short-2", credits="12.50")
    found = Composer(alice).offers
    assert found["short-1"] == {
        "sizes": {"1280x720": "720p", "720x1280": "720p"},
        "seconds": [4, 8],
        "credits": {"text": {"720p": [9, 18]}},  # an image costs no more
    }
    assert found["short-2"]["credits"] == {"text": {"720p": [9, 18]}, "image": {"720p": [13, 25]}}
    long = found["long-1"]
    listed = {
        (kind, size, n): long["credits"][kind][resolution][long["seconds"].index(n)]
        for kind in ("text", "image")
        for size, resolution in long["sizes"].items()
        for n in long["seconds"]
    }
    assert len(listed) == 2 * 6 * 28
    assert listed == {
        (kind, size, n): prices.price(Price.Kind(kind), "long-1", size, n)
        for kind, size, n in listed
    }


def test_page_stays_small_when_every_preset_is_offered(
    page: Client, settings: LazySettings
) -> None:
    settings.ENGINES = EVERY_ENGINE
    body = page.get("/studio/").content.decode()
    composer = body[
        body.index('id="composer"') : body.index("</form>", body.index('id="composer"'))
    ]
    assert composer.count('name="model"') >= 16
    assert len(composer.encode()) < 30_000
    data = re.search(r'<script id="offers" type="application/json">(.*?)</script>', body)
    assert data
    assert len(json.loads(data[1])) == composer.count('name="model"')


def test_price_list_is_not_beside_the_menu_of_models(page: Client, four: None) -> None:
    # Without JavaScript the cards of the menu show the prices.
    assert "price-table" not in page.get("/studio/").content.decode()


def test_pricing_page_has_one_row_for_all_that_costs_the_same(
    db: None, tmp_path: Path, settings: LazySettings
) -> None:
    same = {**LONG, "id": "same-1", "label": "Same", "seconds": [4],
            "default_seconds": 4, "price": {"per": "second", "text": 2}}  # fmt: skip
    rule = {"per": "second", "text": {"720p": 1, "1080p": 2, "2160p": 2},
            "image": {"720p": 2, "1080p": 3, "2160p": 3}}  # fmt: skip
    offer(tmp_path, settings, same, {**same, "id": "own-1", "label": "Own", "price": rule})
    rows = [
        (group["label"], row["resolutions"], row["kind"], row["prices"])
        for group in Client().get("/pricing/").context["groups"]
        for row in group["rows"]
    ]
    assert rows == [
        ("Same", "720p, 1080p, 2160p", "any", (8,)),
        ("Own", "720p", "text", (4,)),
        ("Own", "720p", "image", (8,)),
        ("Own", "1080p, 2160p", "text", (8,)),
        ("Own", "1080p, 2160p", "image", (12,)),
    ]


def test_welcome_page_shows_the_default_model_and_the_cheapest_when_they_are_many(
    page: Client, four: None
) -> None:
    answer = page.get("/welcome/?step=2")
    assert [(row["label"], row["seconds"], row["price"]) for row in answer.context["rows"]] == [
        ("Short 1", 4, 9),
        ("Long 1", 5, 8),
        ("Short 2", 4, 9),
    ]
    assert "The studio has 1 more model." in flat(answer)


def test_library_filters_by_the_models_of_the_own_videos(
    page: Client, alice: User, four: None
) -> None:
    order(alice, model="short-2", size="1280x720", seconds=4)
    order(alice, model="long-1", size="1280x720", seconds=4)
    Video.objects.filter(model="short-2").update(model="gone-1")
    assert page.get("/library/").context["models"] == [("long-1", "Long 1"), ("gone-1", "gone-1")]
