"""The composer where the catalog offers many models, and the pages that list them."""

import json
import re
from collections.abc import Iterator
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
from videos.catalog import offers, prices
from videos.models import PausedModel, Preset, Price, Upload, Video
from videos.web.composer import Composer, Offer
from videos.web.image_fields import StoredImages
from videos.web.presenters.model_card import options_of

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
        "images": {"first": 1},
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


EVERY_CHOICE = {"audio": "off", "negative_prompt": "fog", "seed": "7"}
IMAGES = {
    "text": StoredImages(),
    "image": StoredImages(Upload()),
    "first_last": StoredImages(Upload(), Upload()),
    "reference": StoredImages(references=(Upload(), Upload(), Upload())),
}


def orders_of_every_model(user: User) -> Iterator[Composer]:
    """An order of each model in each of its modes, without and with all that it can choose."""
    for model in offers.offered():
        sent = {"prompt": "A boat", "model": model.id, "size": model.default_size,
                "seconds": model.lengths[-1], "takes": 2}  # fmt: skip
        own = {name: EVERY_CHOICE[name] for name in options_of(model)}
        for mode in IMAGES.keys() & set(model.modes):
            for chosen in [{}, own] if own else [{}]:
                form = Composer(user, {**sent, **chosen})
                assert form.is_valid()
                form.images = IMAGES[mode]
                yield form


def refusal_of(form: Composer, instead: Offer) -> str:
    """Why what is offered instead cannot be ordered at its price; "" when it can."""
    choices, images, seconds = form.chosen_choices, form.images.order_images, instead.seconds
    model, size = instead.model, instead.model.size_like(form.chosen_size)
    try:
        offers.check(model.id, size, seconds, choices, images)
    except offers.NotOffered as error:
        return f"{model.label}: {error}"
    kind = prices.kind_of(images.mode)
    one = prices.price(kind, model.id, size, seconds, choices.audio)
    return "" if one * instead.takes == instead.credits else f"{model.label}: costs {one}"


def test_every_cheaper_offer_can_be_ordered_at_its_price(
    alice: User, settings: LazySettings
) -> None:
    settings.ENGINES = EVERY_ENGINE
    PausedModel.objects.create(model="veo-3.1-fast", sentence="Back tomorrow.")
    refusals, offered = [], set()
    for form in orders_of_every_model(alice):
        available = form.price * 3 // 4
        if found := form.cheaper_offer(available):
            assert found.credits <= available
            refusals.append(refusal_of(form, found))
            offered.add(form.images.mode)
    assert [text for text in refusals if text] == []
    assert offered == set(IMAGES)


def test_nothing_cheaper_is_offered_when_no_other_model_takes_the_order(
    alice: User, tmp_path: Path, settings: LazySettings
) -> None:
    offer(tmp_path, settings, VEO, SHORT)
    sent = {"prompt": "A boat", "model": "veo-1", "size": "1280x720", "seconds": 4, "seed": "7"}
    form = Composer(alice, sent)
    assert form.is_valid()
    assert form.cheaper_offer(19) is None


VEO = {
    **SHORT,
    "id": "veo-1",
    "label": "Veo 1",
    "audio": "optional",
    "takes": ["seed", "negative_prompt"],
    "price": {"per": "second", "text": 5, "silent": 3},
    "bindings": [{"engine": "gpu", "takes": ["first_image", "seed", "negative_prompt", "audio"]}],
}
CHOSEN = {"audio": "off", "negative_prompt": "fog", "seed": "7"}


def ordered(page: Client, **fields: str) -> Any:
    options = {"model": "veo-1", "size": "1280x720", "seconds": "4", "go": "1", "prompt": "A boat"}
    return page.post("/studio/", {**options, **fields})


def options_shown(answer: Any) -> list[str]:
    found = re.findall(r'<div class="field" data-option="(\w+)"( hidden)? ?>', flat(answer))
    return [name for name, hidden in found if not hidden]


def test_more_options_are_those_of_the_chosen_model(
    page: Client, tmp_path: Path, settings: LazySettings
) -> None:
    offer(tmp_path, settings, SHORT)
    assert "more-options" not in flat(page.get("/studio/"))
    offer(tmp_path, settings, SHORT, VEO)
    assert 'popovertarget="more-options" hidden>' in flat(page.get("/studio/"))
    assert options_shown(page.get("/studio/")) == []
    assert options_shown(ordered(page, go="", preset_name=" ", keep="1")) == [
        "audio",
        "negative_prompt",
        "seed",
    ]


def test_more_options_are_ordered_at_their_price(
    page: Client, tmp_path: Path, settings: LazySettings
) -> None:
    offer(tmp_path, settings, VEO)
    assert ordered(page, **CHOSEN).status_code == 303
    video = Video.objects.get()
    assert (video.seed, video.negative_prompt, video.audio, video.credits) == (7, "fog", False, 12)
    shown = flat(page.get(f"/v/{video.pk}/"))
    for fact in ("Sound</dt><dd>Off", "Negative prompt</dt><dd>fog", "Seed</dt><dd><code>7</code>"):
        assert fact in shown
    again = page.get(f"/studio/?from={video.pk}")
    form = again.context["form"]
    assert {name: str(form[name].value()) for name in CHOSEN} == CHOSEN
    assert (form.price, form.options_set) == (12, 3)
    assert 'name="seed" inputmode="numeric"' in flat(again)


def test_sound_is_on_and_the_seed_is_drawn_when_nothing_is_chosen(
    page: Client, tmp_path: Path, settings: LazySettings
) -> None:
    offer(tmp_path, settings, VEO, SHORT)
    ordered(page)
    ordered(page)
    first, second = Video.objects.all()
    assert (first.audio, first.credits, first.negative_prompt) == (True, 20, "")
    assert first.seed != second.seed
    ordered(page, model="short-1")
    assert Video.objects.filter(model="short-1", seed=None, audio=None).count() == 1


def test_preset_keeps_more_options(page: Client, tmp_path: Path, settings: LazySettings) -> None:
    offer(tmp_path, settings, VEO)
    ordered(page, **CHOSEN, keep="1", preset_name="Quiet")
    preset = Preset.objects.get()
    assert (preset.audio, preset.negative_prompt, preset.seed) == (False, "fog", 7)
    answer = ordered(page, preset=str(preset.pk))
    form = answer.context["form"]
    assert {name: str(form[name].value()) for name in CHOSEN} == CHOSEN
    assert 'data-audio="off" data-negative_prompt="fog" data-seed="7"' in flat(answer)
    refused = ordered(page, seed="x", keep="1", preset_name="Wrong")
    assert "Write a whole number with the digits 0 to 9." in flat(refused)
    assert Preset.objects.count() == 1


def test_takes_count_the_seed_up(page: Client, tmp_path: Path, settings: LazySettings) -> None:
    offer(tmp_path, settings, VEO)
    ordered(page, seed="2147483646", takes="3")
    seeds = Video.objects.values_list("seed", flat=True)
    assert set(seeds) == {0, 2147483646, 2147483647}


def test_no_seed_is_drawn_when_the_preferred_engine_takes_none(
    page: Client, tmp_path: Path, settings: LazySettings
) -> None:
    [binding] = VEO["bindings"]
    plain = {"engine": "plain", "takes": ["first_image", "audio"]}
    offer(tmp_path, settings, {**VEO, "bindings": [binding, plain]})
    settings.ENGINES = {"plain": settings.ENGINES["gpu"], **settings.ENGINES}
    ordered(page)
    video = Video.objects.get()
    assert (video.engine, video.seed) == ("plain", None)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"seed": "-1"}, "The seed must be a whole number from 0 to 2,147,483,647."),
        ({"seed": "2147483648"}, "The seed must be a whole number from 0 to 2,147,483,647."),
        ({"seed": "x"}, "Write a whole number with the digits 0 to 9."),
        ({"audio": "maybe"}, "Select a valid choice. maybe is not one of the available choices."),
        ({"model": "short-1", "seed": "7"}, "Short 1 takes no seed."),
        ({"model": "short-1", "negative_prompt": "fog"}, "Short 1 takes no negative prompt."),
        ({"model": "short-1", "audio": "off"}, "Short 1 makes no sound."),
    ],
)
def test_option_is_refused_and_kept_when_the_model_does_not_take_it(
    page: Client, tmp_path: Path, settings: LazySettings, fields: dict[str, str], sentence: str
) -> None:
    offer(tmp_path, settings, VEO, SHORT)
    answer = ordered(page, **fields)
    assert answer.status_code == 422
    assert sentence in flat(answer)
    form = answer.context["form"]
    assert {name: form[name].value() for name in fields} == fields
    assert Video.objects.count() == 0


def test_options_are_there_again_after_credits_were_bought(
    page: Client, tmp_path: Path, settings: LazySettings
) -> None:
    offer(tmp_path, settings, VEO)
    page.post("/billing/", {"prompt": "A boat", "model": "veo-1", "takes": "2", **CHOSEN})
    form = page.get("/studio/").context["form"]
    assert {name: form[name].value() for name in CHOSEN} == CHOSEN
    assert form.price == 24


def test_script_knows_what_each_model_takes_and_the_price_without_sound(
    alice: User, tmp_path: Path, settings: LazySettings
) -> None:
    bindings = [
        {"engine": "gpu", "resolutions": ["480p"], "takes": ["audio", "first_image"]},
        {"engine": "big", "max_seconds": 4, "takes": ["audio", "first_image"]},
    ]
    both = {**VEO, "id": "both-1", "resolutions": ["480p", "720p"], "bindings": bindings}
    use(tmp_path, settings, VEO, both)
    names = "veo-1,both-1"
    settings.ENGINES = {name: {**GPU, "offered_models": names} for name in ("gpu", "big")}
    found = Composer(alice).offers
    assert found["veo-1"]["options"] == ["audio", "seed", "negative_prompt"]
    assert found["veo-1"]["silent"] == {"text": {"720p": [12, 24]}}
    assert found["both-1"]["options"] == ["audio"]
    # None: no engine makes 8 seconds at 720p.
    assert found["both-1"]["credits"] == {"text": {"480p": [20, 40], "720p": [20, None]}}


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
