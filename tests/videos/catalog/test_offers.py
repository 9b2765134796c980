"""What is offered: by which engine, until when, and under which words."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from tests.conftest import signed_in
from tests.videos.catalog.test_reading import MODEL
from videos.catalog import offers, prices
from videos.catalog.modes import OrderImages
from videos.engines.base import RenderRequest
from videos.jobs import orders
from videos.jobs.worker import execute
from videos.models import Price, Video

GPU = {"adapter": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "k",
       "webhook_secret": "", "models": ""}  # fmt: skip


def use(tmp_path: Path, settings: LazySettings, *models: dict[str, Any], **more: Any) -> None:
    path = tmp_path / f"catalog{len(list(tmp_path.iterdir()))}.json"
    path.write_text(json.dumps({"models": list(models), **more}))
    settings.CATALOG_FILE = path


def refusal(*order: Any) -> tuple[str, str]:
    with pytest.raises(offers.NotOffered) as caught:
        offers.check(*order)
    return caught.value.field, str(caught.value)


def test_model_is_offered_when_an_engine_makes_it(tmp_path: Path, settings: LazySettings) -> None:
    use(tmp_path, settings, MODEL)
    assert [model.id for model in offers.offered()] == ["sora-2", "sora-2-pro"]
    assert refusal("wan-2.2", "1280x720", 5) == (
        "model",
        "Wan 2.2 is not available at the moment.",
    )
    settings.ENGINES = {"gpu": GPU}
    # An engine of this kind also makes the models that are bound to its kind.
    assert [model.id for model in offers.offered()] == ["sora-2", "sora-2-pro", "wan-2.2"]
    settings.ENGINES = {"gpu": {**GPU, "offered_models": "wan-2.2"}}
    assert [model.id for model in offers.offered()] == ["wan-2.2"]
    assert offers.default_word() == "wan-2.2"


def test_model_of_the_sandbox_is_hidden_when_a_real_engine_makes_another(
    tmp_path: Path, settings: LazySettings
) -> None:
    use(tmp_path, settings, MODEL)
    settings.ENGINES = {"gpu": {**GPU, "offered_models": "wan-2.2"}, **settings.ENGINES}
    assert [model.id for model in offers.offered()] == ["wan-2.2"]
    assert offers.default_word() == "wan-2.2"


def test_what_the_model_does_not_make_is_answered_with_what_it_makes(
    tmp_path: Path, settings: LazySettings
) -> None:
    use(tmp_path, settings, MODEL)
    settings.ENGINES = {"gpu": {**GPU, "offered_models": "wan-2.2"}}
    assert refusal("wan-2.2", "1920x1080", 5) == (
        "size",
        "Wan 2.2 makes 854x480, 480x854, 1280x720, 720x1280.",
    )
    assert refusal("wan-2.2", "1280x720", 20) == (
        "seconds",
        "Wan 2.2 makes videos of 3 to 15 seconds.",
    )
    assert refusal("wan-9", "1280x720", 5) == ("model", "Unknown model. Choose one of: wan-2.2.")


def test_engine_is_chosen_by_what_its_binding_has(tmp_path: Path, settings: LazySettings) -> None:
    narrow = [
        {"engine": "small", "resolutions": ["480p"], "modes": ["text"]},
        {"engine": "short", "max_seconds": {"text": 6}, "takes": ["first_image"]},
        {"engine": "over", "ends": "2026-01-01", "takes": ["first_image"]},
    ]
    use(tmp_path, settings, {**MODEL, "bindings": narrow})
    settings.ENGINES = dict.fromkeys(("small", "short", "over"), GPU)
    found = {
        order: offers.engines_for("wan-2.2", *order)
        for order in [
            ("text", "854x480", 5),
            ("text", "854x480", 10),
            ("text", "1280x720", 5),
            ("text", "1280x720", 10),
            ("image", "854x480", 10),
            ("remix", "854x480", 5),
        ]
    }
    assert found == {
        ("text", "854x480", 5): ["small", "short"],
        ("text", "854x480", 10): ["small"],
        ("text", "1280x720", 5): ["short"],
        ("text", "1280x720", 10): [],
        ("image", "854x480", 10): ["short"],
        ("remix", "854x480", 5): [],
    }


@pytest.mark.django_db
def test_what_no_engine_can_make_is_not_offered(tmp_path: Path, settings: LazySettings) -> None:
    bindings = [
        {
            "engine": "small",
            "resolutions": ["480p"],
            "input": {"seed": "{seed}"},
            "modes": ["text"],
        },
        {"engine": "sharp", "resolutions": ["720p"], "max_seconds": 4, "modes": ["text"]},
    ]
    wide = {**VEO, "resolutions": ["480p", "720p", "1080p"], "bindings": bindings,
            "price": {"per": "second", "text": 1}}  # fmt: skip
    use(tmp_path, settings, wide)
    only = {**GPU, "offered_models": "wan-2.2"}
    settings.ENGINES = {"small": {**only, "max_seconds": "8"}, "sharp": only}
    [made] = offers.offered()
    assert (made.modes, made.resolutions, made.lengths, made.default_seconds) == (
        ("text",),
        ("480p", "720p"),
        (3, 4, 5, 6, 7, 8),
        5,
    )
    assert (made.takes, made.audio) == (("seed",), "always")
    assert [*made.by_size] == ["854x480", "480x854", "1280x720", "720x1280"]
    lengths = {size: offers.lengths_of(made, size=size) for size in ("854x480", "1280x720")}
    assert lengths == {"854x480": (3, 4, 5, 6, 7, 8), "1280x720": (3, 4)}
    found = {
        order: refusal("wan-2.2", *order)
        for order in [("1920x1080", 5), ("854x480", 9), ("1280x720", 5)]
    }
    assert found == {
        ("1920x1080", 5): ("size", "Wan 2.2 makes 854x480, 480x854, 1280x720, 720x1280."),
        ("854x480", 9): ("seconds", "Wan 2.2 makes videos of 3 to 8 seconds."),
        ("1280x720", 5): ("seconds", "Wan 2.2 makes videos of 3, 4 seconds in 1280x720."),
    }
    # What is left out is what can be made, too.
    settings.ENGINES = {"sharp": only}
    assert offers.complete("wan-2.2", "", 0) == ("wan-2.2", "1280x720", 4)


def test_length_of_the_sandbox_is_not_offered_when_a_real_engine_makes_shorter_videos(
    settings: LazySettings,
) -> None:
    sandbox = settings.ENGINES["sandbox"]
    real = {**sandbox, "is_sandbox": "", "max_seconds": "8"}
    settings.ENGINES = {"real": real, "sandbox": sandbox}
    assert offers.offered()[0].lengths == (4, 8)
    assert offers.engines_for("sora-2", "text", "1280x720", 12) == []


def test_engines_come_in_the_order_of_the_settings(tmp_path: Path, settings: LazySettings) -> None:
    bindings = [{"engine": name, "takes": ["first_image"]} for name in ("dear", "cheap")]
    use(tmp_path, settings, {**MODEL, "bindings": bindings})
    settings.ENGINES = {"cheap": GPU, "mapped": {**GPU, "models": "wan-2.2=x"}, "dear": GPU}
    assert offers.engines_for("wan-2.2", "text") == ["cheap", "mapped", "dear"]


@pytest.mark.django_db
def test_model_ends_on_its_day(tmp_path: Path, settings: LazySettings) -> None:
    settings.ENGINES = {"gpu": GPU}
    today = timezone.localdate()
    tomorrow = {**MODEL, "sunset": str(today + timedelta(days=1))}
    use(tmp_path, settings, tomorrow)
    assert offers.check("wan-2.2", "1280x720", 5).id == "wan-2.2"
    use(tmp_path, settings, {**MODEL, "sunset": "2026-10-22", "replacement": "sora-2"})
    assert "wan-2.2" not in [model.id for model in offers.offered()]
    assert refusal("wan-2.2", "1280x720", 5) == (
        "model",
        "Wan 2.2 ended on 22 October 2026. Use sora-2.",
    )


@pytest.mark.django_db
def test_alias_is_stored_with_the_model_that_it_means(
    tmp_path: Path, settings: LazySettings, alice: Any
) -> None:
    settings.ENGINES = {"gpu": GPU}
    rule = {"per": "clip", "seconds": 12, "text": 20, "image": 25}
    use(tmp_path, settings, MODEL, aliases={"sora-2": {"model": "wan-2.2", "price": rule}})
    answer = signed_in(alice).post("/api/videos", {"prompt": "A boat", "seconds": 5}).json()
    video = Video.objects.get(pk=answer["id"])
    assert (video.model, video.requested_model, video.credits) == ("wan-2.2", "sora-2", 20)
    shown = {key: answer[key] for key in ("model", "made_with", "size", "seconds")}
    assert shown == {
        "model": "sora-2",
        "made_with": {"model": "wan-2.2", "label": "Wan 2.2"},
        "size": "854x480",
        "seconds": "5",
    }
    own_name = orders.submit(alice, orders.VideoOrder("A boat", "wan-2.2"))
    assert (own_name.requested_model, own_name.credits) == ("", 10)
    assert [model.id for model in offers.offered()] == ["sora-2-pro", "wan-2.2"]


@pytest.mark.django_db
def test_engine_gets_its_own_name_of_the_model_and_the_fields_of_the_mode(
    tmp_path: Path, settings: LazySettings, alice: Any
) -> None:
    settings.ENGINES = {"gpu": GPU}
    use(tmp_path, settings, MODEL)
    video = orders.submit(alice, orders.VideoOrder("A boat", "wan-2.2", "480x854"))
    asked = execute.render_request(video)
    assert asked == RenderRequest(
        token=str(video.pk),
        prompt="A boat",
        model="wan-t2v",
        size="480x854",
        seconds=5,
        callback_url=asked.callback_url,
        aspect="9:16",
        resolution="480p",
        fields={"prompt": "{prompt}", "length": "{seconds}"},
    )


@pytest.mark.django_db
def test_price_follows_the_rule_and_staff(tmp_path: Path, settings: LazySettings) -> None:
    rule = {"per": "second", "text": {"480p": 1.5, "720p": 3}, "image": 4, "silent": 1,
            "minimum": 10}  # fmt: skip
    use(tmp_path, settings, {**MODEL, "price": rule})
    text, image = Price.Kind.TEXT, Price.Kind.IMAGE

    def credits(kind: Price.Kind, size: str, seconds: int, audio: bool | None = None) -> int | None:
        return prices.current().credits(kind, "wan-2.2", size, seconds, audio)

    assert credits(text, "854x480", 5) == 10  # the minimum
    assert credits(text, "854x480", 7) == 11  # 10.5, rounded up
    assert credits(text, "1280x720", 7) == 21
    assert credits(image, "1280x720", 7) == 28
    assert credits(text, "1280x720", 12, audio=False) == 12
    assert credits(text, "640x360", 7) is None
    before = prices.current().version
    Price.objects.create(kind=text, model="wan-2.2", resolution="720p", credits="5.25")
    assert credits(text, "1280x720", 7) == 37
    assert credits(text, "854x480", 7) == 11
    assert credits(text, "1280x720", 12, audio=False) == 12
    Price.objects.create(kind=text, model="wan-2.2", credits="2")
    assert (credits(text, "854x480", 7), credits(text, "1280x720", 7)) == (14, 37)
    assert prices.current().version != before
    # A silent video is never dearer than one with sound.
    Price.objects.update(credits="0.9")
    assert [credits(text, "1280x720", 20, audio) for audio in (None, True, False)] == [18, 18, 18]


@pytest.mark.django_db
def test_price_without_sound_is_that_of_staff(tmp_path: Path, settings: LazySettings) -> None:
    rule = {"per": "second", "text": 4, "image": 6}
    use(tmp_path, settings, {**MODEL, "price": rule})

    def rates() -> list[Any]:
        listed = prices.current()
        return [
            listed.rate(kind, "wan-2.2", "480p", audio)
            for kind in prices.KINDS
            for audio in (None, False)
        ]

    assert rates() == [4, 4, 6, 6]  # the catalog has no price without sound
    Price.objects.create(kind="silent", model="wan-2.2", credits=3)
    assert rates() == [4, 3, 6, 3]
    Price.objects.create(kind="silent", model="wan-2.2", resolution="480p", credits=5)
    assert rates() == [4, 4, 6, 5]


@pytest.mark.django_db
def test_documented_prices_stay() -> None:
    listed = {
        (kind, model, n): prices.price(kind, model, "1280x720", n)
        for kind in prices.KINDS
        for model in ("sora-2", "sora-2-pro")
        for n in (4, 12, 20)
    }
    assert [*listed.values()] == [20, 20, 34, 30, 30, 50, 25, 25, 42, 35, 35, 59]


VEO = {**MODEL, "audio": "optional", "takes": ["seed", "negative_prompt"]}
FULL = {"prompt": "{prompt}", "seed": "{seed}", "not": "{negative_prompt}", "sound": "{audio}"}


@pytest.mark.django_db
def test_what_the_order_chose_reaches_the_engine(
    tmp_path: Path, settings: LazySettings, alice: Any
) -> None:
    bindings = [{"engine": "gpu", "input": FULL, "modes": ["text"]}]
    rule = {"per": "second", "text": 3, "silent": 2}
    use(tmp_path, settings, {**VEO, "bindings": bindings, "price": rule})
    settings.ENGINES = {"gpu": GPU}
    body = {"prompt": "A boat", "model": "wan-2.2", "seed": 0, "negative_prompt": "fog",
            "audio": False}  # fmt: skip
    answer = signed_in(alice).post("/api/videos", body, format="json").json()
    shown = [answer[name] for name in ("seed", "negative_prompt", "audio", "credits")]
    assert shown == [0, "fog", False, 10]
    # Some engines keep seeds in 31 bits.
    too_large = signed_in(alice).post("/api/videos", {**body, "seed": 2**31}, format="json")
    assert too_large.status_code == 422
    video = Video.objects.get(pk=answer["id"])
    asked = execute.render_request(video)
    assert (asked.seed, asked.negative_prompt, asked.audio) == (0, "fog", False)
    Video.objects.filter(pk=video.pk).update(status=Video.Status.CANCELLED)
    video.refresh_from_db()
    again = orders.retry(video)
    assert (again.seed, again.negative_prompt, again.audio, again.credits) == (0, "fog", False, 10)


@pytest.mark.django_db
def test_choice_that_the_model_does_not_take_is_refused(
    tmp_path: Path, settings: LazySettings, alice: Any
) -> None:
    use(tmp_path, settings, MODEL)
    settings.ENGINES = {"gpu": GPU}
    client, found = signed_in(alice), {}
    for name, value in [("seed", 7), ("negative_prompt", "fog"), ("audio", True)]:
        for model in ("sora-2", "wan-2.2"):
            body = {"prompt": "A boat", "model": model, name: value}
            answer = client.post("/api/videos", body, format="json")
            found[name, model] = answer.status_code, answer.json()["detail"]
    assert found == {
        ("seed", "sora-2"): (400, "Sora 2 takes no seed."),
        ("seed", "wan-2.2"): (400, "Wan 2.2 takes no seed."),
        ("negative_prompt", "sora-2"): (400, "Sora 2 takes no negative prompt."),
        ("negative_prompt", "wan-2.2"): (400, "Wan 2.2 takes no negative prompt."),
        ("audio", "sora-2"): (400, "Sora 2 always makes sound."),
        ("audio", "wan-2.2"): (400, "Wan 2.2 makes no sound."),
    }
    assert Video.objects.count() == 0
    # A form that leaves the truth value out has chosen nothing.
    assert client.post("/api/videos", {"prompt": "A boat", "model": "wan-2.2"}).status_code == 201


def test_engine_that_cannot_carry_a_choice_is_left_out(
    tmp_path: Path, settings: LazySettings
) -> None:
    plain = {"engine": "plain", "input": {"prompt": "{prompt}"}, "modes": ["text"]}
    full = {"engine": "full", "input": FULL, "modes": ["text"]}
    use(tmp_path, settings, {**VEO, "bindings": [plain, full]})
    settings.ENGINES = {"plain": GPU, "full": GPU}
    choices = offers.Choices(seed=1)
    assert offers.engines_for("wan-2.2", "text", choices=choices) == ["full"]
    assert offers.engines_for("wan-2.2", "text") == ["plain", "full"]


@pytest.mark.django_db
def test_quote_of_a_silent_video_holds_for_a_silent_video_only(
    tmp_path: Path, settings: LazySettings, alice: Any
) -> None:
    bindings = [{"engine": "gpu", "input": FULL, "modes": ["text"]}]
    rule = {"per": "second", "text": 3, "silent": 2}
    use(tmp_path, settings, {**VEO, "bindings": bindings, "price": rule})
    settings.ENGINES = {"gpu": GPU}
    client, body = signed_in(alice), {"model": "wan-2.2", "audio": False}
    quote = client.post("/api/videos/quote", body, format="json").json()
    assert quote["credits"] == 10
    loud = {"prompt": "A boat", "model": "wan-2.2", "quote": quote["quote"]}
    assert client.post("/api/videos", loud, format="json").json()["code"] == "invalid_quote"
    silent = client.post("/api/videos", {**loud, "audio": False}, format="json")
    assert (silent.status_code, silent.json()["credits"]) == (201, 10)


def test_images_that_a_model_does_not_take_are_answered_with_what_it_takes(
    tmp_path: Path, settings: LazySettings
) -> None:
    bindings = [
        {
            "engine": "gpu",
            "takes": ["first_image", "references", "seed"],
            "seconds": {"reference": [4]},
            "inputs": {"image": {"fps": 24}, "reference": {"fps": 24}},
        }
    ]
    several = {"modes": ["text", "image", "first_last", "reference"], "max_references": 2}
    use(tmp_path, settings, {**MODEL, **several, "takes": ["seed"], "bindings": bindings})
    settings.ENGINES = {"gpu": GPU}
    asked, nothing = ("wan-2.2", "1280x720", 5), offers.NOTHING
    assert refusal(*asked, nothing, OrderImages(first=True, last=True)) == (
        "last_image",
        "Wan 2.2 takes no last image. It takes a first image, up to 2 reference images.",
    )
    assert refusal(*asked, nothing, OrderImages(references=3)) == (
        "reference_images",
        "Wan 2.2 takes up to 2 reference images.",
    )
    assert refusal(*asked, nothing, OrderImages(references=2)) == (
        "seconds",
        "With these images Wan 2.2 makes videos of 4 seconds.",
    )
    assert offers.find("wan-2.2").modes == ("text", "image", "reference")


@pytest.mark.django_db
def test_choice_that_is_not_possible_with_the_images_is_refused(
    tmp_path: Path, settings: LazySettings
) -> None:
    bindings = [{"engine": "gpu", "input": {"image": "{first_image}"}, "modes": ["text", "image"],
                 "inputs": {"text": {"seed": "{seed}"}}}]  # fmt: skip
    use(tmp_path, settings, {**MODEL, "takes": ["seed"], "bindings": bindings})
    settings.ENGINES = {"gpu": GPU}
    asked, seed = ("wan-2.2", "1280x720", 5), offers.Choices(seed=7)
    assert offers.check(*asked, seed).id == "wan-2.2"
    assert refusal(*asked, seed, OrderImages(first=True)) == (
        "seed",
        "With these images Wan 2.2 takes no seed.",
    )
