"""The composer's page: takes are ordered together or not at all, presets, and pictures."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db.models import signals
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits
from tests.billing.conftest import grant_credits
from tests.markup import flat
from tests.videos.conftest import order, picture, running, upload
from videos.media import uploads
from videos.models import EngineCircuit, Preset, Price, Upload, Video

STUDIO = "/studio/"
OPTIONS = {"model": "sora-2", "size": "1280x720", "seconds": "4"}


def sent(page: Client, **fields: Any) -> Any:
    return page.post(STUDIO, {"prompt": "A boat", "go": "1", **OPTIONS, **fields})


def checked(body: str) -> dict[str, str]:
    """The options that are chosen on a page of the studio."""
    found = re.findall(
        r'<input\s+type="radio"\s+name="(\w+)"\s+value="([^"]+)"[^>]*\schecked', body
    )
    return dict(found)


def prompt_of(body: str) -> str:
    return body.split('id="prompt"')[1].split(">", 1)[1].split("</textarea>", maxsplit=1)[0]


@pytest.mark.parametrize(("takes", "made"), [("1", 1), ("4", 4), ("", 1)])
def test_order_makes_one_video_per_take(page: Client, alice: User, takes: str, made: int) -> None:
    answer = sent(page, takes=takes)
    assert (answer.status_code, answer["Location"]) == (303, STUDIO)
    videos = list(Video.objects.order_by("take_number"))
    assert [video.prompt for video in videos] == ["A boat"] * made
    numbers = [(video.take_number, video.take_count) for video in videos]
    assert numbers == ([(n + 1, 4) for n in range(4)] if made == 4 else [(None, None)])
    assert {video.take_group for video in videos} == {videos[0].pk if made == 4 else None}
    assert credits.available(alice) == 100 - 20 * made


@pytest.mark.parametrize("prompt", ["", "  ", "a" * 5001])
def test_order_is_refused_when_the_prompt_cannot_be_used(
    page: Client, alice: User, prompt: str
) -> None:
    answer = sent(page, prompt=prompt)
    assert (answer.status_code, "prompt" in answer.context["form"].errors) == (422, True)
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


@pytest.mark.parametrize("takes", ["0", "5", "many", "-1"])
def test_order_is_refused_when_number_of_takes_is_not_offered(
    page: Client, alice: User, takes: str
) -> None:
    assert sent(page, takes=takes).status_code == 422
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


def test_no_take_is_ordered_when_balance_does_not_pay_for_all(page: Client, alice: User) -> None:
    answer = sent(page, takes="4", model="sora-2-pro")
    body = answer.content.decode()
    assert answer.status_code == 402
    assert "This costs <b>120</b>. You have <b>100</b>, so you need 20 more." in body
    assert 'value="sora-2-pro 4 3"' in body
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


def test_fewer_takes_are_ordered_when_cheaper_offer_is_accepted(page: Client, alice: User) -> None:
    sent(page, takes="4", model="sora-2-pro", instead="sora-2-pro 4 3")
    made = Video.objects.values_list("model", "seconds")
    assert list(made) == [("sora-2-pro", 4)] * 3
    assert credits.available(alice) == 10


def test_thousands_are_separated_when_credits_are_many(page: Client, alice: User) -> None:
    grant_credits(alice, 900)
    for path in (STUDIO, "/library/"):
        assert "You have 1,000 credits." in flat(page.get(path))
    Price.objects.create(kind="text", model="sora-2", credits="2000")
    sentence = "This costs <b>2,000</b>. You have <b>1,000</b>, so you need 1,000 more."
    assert sentence in sent(page).content.decode()


# ---- presets ----


def test_preset_is_saved_applied_and_deleted(page: Client, alice: User) -> None:
    chosen = {"model": "sora-2-pro", "size": "1024x1792", "seconds": "12", "takes": "3"}
    shown = {**chosen, "resolution": "1024p"}
    body = sent(
        page, **chosen, keep="1", preset_name="Tall", preset_ending="35 mm"
    ).content.decode()
    assert "The preset Tall was saved." in body
    assert (prompt_of(body), checked(body)) == ("A boat", shown)
    preset = Preset.objects.get()
    body = sent(page, preset=preset.pk).content.decode()
    assert (prompt_of(body), checked(body)) == ("A boat, 35 mm", shown)
    body = sent(page, forget=preset.pk).content.decode()
    assert "The preset Tall was deleted." in body
    assert (prompt_of(body), Preset.objects.count()) == ("A boat", 0)
    assert Video.objects.count() == 0


def test_preset_is_replaced_when_name_is_used_again(page: Client, alice: User) -> None:
    sent(page, keep="1", preset_name="Mine")
    sent(page, keep="1", preset_name="Mine", seconds="12")
    assert [preset.seconds for preset in Preset.objects.all()] == [12]


def test_preset_is_refused_when_name_is_empty(page: Client, alice: User) -> None:
    body = sent(page, keep="1", preset_name=" ").content.decode()
    assert "Enter a name for the preset." in body
    assert Preset.objects.count() == 0


def test_nothing_is_ordered_when_enter_is_pressed_in_preset_name(page: Client, alice: User) -> None:
    page.post(STUDIO, {"prompt": "A boat", **OPTIONS, "preset_name": "Mine"})
    assert (Preset.objects.count(), Video.objects.count()) == (1, 0)


def test_preset_is_not_found_when_it_belongs_to_another_user(page: Client, bob: User) -> None:
    theirs = Preset.objects.create(user=bob, name="X", model="sora-2", size="1280x720", seconds=4)
    for word in ("preset", "forget"):
        assert sent(page, **{word: theirs.pk}).status_code == 404
        assert sent(page, **{word: "no-number"}).status_code == 404
    assert Preset.objects.count() == 1


# ---- pictures ----


def test_stored_image_is_offered_and_shown(page: Client, alice: User) -> None:
    kept = uploads.store_image(alice, upload(picture()))
    body = page.get(f"{STUDIO}?first_image={kept.pk}").content.decode()
    assert f'name="first_image" value="{kept.pk}" checked' in body
    assert "<span data-cost>25</span>" in body
    answer = page.get(f"/studio/reference/{kept.pk}/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")


@pytest.mark.parametrize(
    "fields", [{"kind": "video", "content_type": "video/mp4"}, {"stored": False}]
)
def test_image_is_not_offered_when_its_file_is_missing(
    page: Client, alice: User, fields: dict[str, Any]
) -> None:
    kept = uploads.store_image(alice, upload(picture()))
    Upload.objects.update(**fields)
    assert "pill--chosen" not in page.get(f"{STUDIO}?first_image={kept.pk}").content.decode()
    assert page.get(f"/studio/reference/{kept.pk}/").status_code == 404


def test_image_is_not_found_when_it_belongs_to_another_user(page: Client, bob: User) -> None:
    theirs = uploads.store_image(bob, upload(picture()))
    for pk in (theirs.pk, uuid4(), "no-id"):
        assert "pill--chosen" not in page.get(f"{STUDIO}?first_image={pk}").content.decode()
    assert page.get(f"/studio/reference/{theirs.pk}/").status_code == 404
    assert Client().get(f"/studio/reference/{theirs.pk}/").status_code == 302


def test_studio_lists_ended_videos_as_recent(page: Client, alice: User) -> None:
    order(alice, "Still rendering")
    shelves = page.get(STUDIO).content.decode().split('id="recent-videos"')
    before, recent = shelves
    assert "Still rendering" in before
    assert "Still rendering" not in recent


def test_image_is_uploaded_before_the_order(page: Client, alice: User) -> None:
    answer = page.post("/studio/reference/", {"image": upload(picture(), "boat.png")})
    kept = Upload.objects.get()
    assert (answer.status_code, answer.json()) == (201, {"id": str(kept.pk), "name": "boat.jpg"})
    sent(page, first_image=str(kept.pk))
    assert (Video.objects.get().first_image_id, credits.available(alice)) == (kept.pk, 75)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose an image."),
        ({"image": "text"}, "Choose an image."),
        ({"image": upload(b"GIF89a")}, "The file is not a JPEG, PNG or WebP image."),
    ],
)
def test_upload_is_refused_with_reason_when_file_is_not_an_image(
    page: Client, fields: dict[str, Any], words: str
) -> None:
    answer = page.post("/studio/reference/", fields)
    assert (answer.status_code, answer.json()) == (422, {"detail": words})
    assert Upload.objects.count() == 0


def test_upload_error_names_the_limit_when_image_is_too_large(
    page: Client, settings: LazySettings
) -> None:
    settings.UPLOAD_MAX_BYTES = 1024**2
    answer = page.post("/studio/reference/", {"image": upload(bytes(1024**2 + 1))})
    assert answer.json() == {"detail": "The image is larger than 1 MB."}


def test_upload_requires_signing_in(db: None) -> None:
    answer = Client().post("/studio/reference/", {"image": upload(picture())})
    assert (answer.status_code, Upload.objects.count()) == (302, 0)


def test_studio_warns_when_engine_is_paused(page: Client) -> None:
    words = "Your order waits in the queue and starts automatically"
    assert words not in page.get(STUDIO).content.decode()
    soon = timezone.now() + timedelta(minutes=1)
    EngineCircuit.objects.create(name="sandbox", opened_at=timezone.now(), retry_at=soon)
    assert words in page.get(STUDIO).content.decode()
    assert sent(page).status_code == 303
    EngineCircuit.objects.update(retry_at=timezone.now())
    assert words not in page.get(STUDIO).content.decode()


def test_page_with_an_error_does_not_reload_when_a_video_renders(page: Client, alice: User) -> None:
    """Without JavaScript it would lose what was written."""
    order(alice)
    reload = b'http-equiv="refresh"'
    assert reload in page.get(STUDIO).content
    answer = sent(page, seconds="5")
    assert answer.status_code == 422
    assert reload not in answer.content


def test_nothing_is_ordered_when_the_price_rises_while_the_image_is_read(
    page: Client, alice: User
) -> None:
    def raise_price(**_signal: object) -> None:
        Price.objects.update_or_create(
            kind=Price.Kind.IMAGE, model="sora-2", defaults={"credits": 30}
        )

    signals.post_save.connect(raise_price, sender=Upload)
    try:
        answer = sent(page, first_file=upload(picture()))
    finally:
        signals.post_save.disconnect(raise_price, sender=Upload)
    assert answer.status_code == 422
    assert b"The price is now 30 credits, not 25. Nothing was ordered." in answer.content
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


# ---- what is in progress ----

SPAN = '<span class="capitalized">'


def copied(video: Video) -> Video:
    """The same order once more, not saved yet."""
    fields = {field.attname: getattr(video, field.attname) for field in Video._meta.concrete_fields}
    return Video(**{**fields, "id": uuid4()})


def in_progress(page: Client) -> tuple[list[str], int]:
    """The prompts that the studio lists as in progress, and how many more there are."""
    context = page.get(STUDIO).context
    return [card.video.prompt for card in context["active"]], context["more_active"]


def test_videos_that_render_are_listed_before_those_that_wait(page: Client, alice: User) -> None:
    for prompt in ("first waits", "second waits"):
        order(alice, prompt)
    running(order(alice, "renders"))
    assert in_progress(page) == (["renders", "first waits", "second waits"], 0)


def test_studio_lists_few_videos_and_counts_the_others_when_many_are_in_progress(
    page: Client, alice: User
) -> None:
    grant_credits(alice, 1000)
    waiting = [f"waits {n:02}" for n in range(14)]
    for prompt in waiting:
        order(alice, prompt)
    running(order(alice, "renders"))
    assert in_progress(page) == (["renders", *waiting[:11]], 3)
    link = '<a href="/library/?status=rendering">and 3 more in the library</a>'
    assert link in flat(page.get(STUDIO))


def test_video_in_progress_is_not_called_rendering_when_it_waits(page: Client, alice: User) -> None:
    order(alice)
    assert '<h2 id="live-title">In progress</h2>' in flat(page.get(STUDIO))
    assert 'In progress<span class="numeric">1</span>' in flat(page.get("/library/"))


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (3, "</span><span>"),
        (4, f"</span>{SPAN}4 orders wait</span>"),
        (101, f"</span>{SPAN}more than 100 orders wait</span>"),
    ],
)
def test_studio_says_how_many_orders_wait_when_they_are_many(
    page: Client, bob: User, settings: LazySettings, waiting: int, words: str
) -> None:
    settings.SANDBOX_SPEED = 1
    first = order(bob)
    rows = [copied(first) for _ in range(waiting - 1)]
    Video.objects.bulk_create(rows)
    assert f"{SPAN}about 20 s{words}" in flat(page.get(STUDIO))
