"""The images of an order in the studio: several kinds, sent as files or stored before."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from tests.markup import flat
from tests.videos.catalog.test_offers import GPU, use
from tests.videos.catalog.test_reading import MODEL
from tests.videos.conftest import picture, upload
from videos.media import uploads
from videos.models import Upload, Video
from videos.web.composer import Composer

TAKES = ("first_image", "last_image", "references")
MODEL_OF_ALL = {
    **MODEL,
    "id": "all-1",
    "label": "All 1",
    "modes": ["text", "image", "first_last", "reference"],
    "max_references": 3,
    "resolutions": ["720p"],
    "seconds": [4, 8],
    "default_seconds": 4,
    "price": {"per": "second", "text": 1, "image": 2},
    "bindings": [{"engine": "gpu", "takes": TAKES, "seconds": {"reference": [8]}}],
}
PLAIN = {**MODEL_OF_ALL, "id": "text-1", "label": "Text 1", "modes": ["text"], "max_references": 0}
ORDER = {"prompt": "A boat", "model": "all-1", "size": "1280x720", "seconds": "8", "go": "1"}


@pytest.fixture(autouse=True)
def models(tmp_path: Path, settings: LazySettings) -> None:
    """One model that takes every kind of image, and one that takes none."""
    use(tmp_path, settings, MODEL_OF_ALL, PLAIN)
    settings.ENGINES = {"gpu": {**GPU, "offered_models": "all-1,text-1"}}


def sent(page: Client, **fields: Any) -> Any:
    return page.post("/studio/", {**ORDER, **fields})


def file(name: str) -> Any:
    return upload(picture(), f"{name}.png")


def names(video: Video) -> dict[str, list[str]]:
    frames = {"first": video.first_image, "last": video.last_image}
    found = {kind: [image.name] if image else [] for kind, image in frames.items()}
    return {**found, "references": [image.name for image in video.reference_images]}


def slots(answer: Any) -> dict[str, tuple[int, list[str]]]:
    """How many images of each kind the chosen model takes, and those that are filled in."""
    found = answer.context["form"].image_slots
    return {slot.name: (slot.most, [image.name for image in slot.images]) for slot in found}


def test_first_and_last_image_are_ordered_shown_and_used_again(page: Client) -> None:
    assert sent(page, first_file=file("dawn"), last_file=file("dusk")).status_code == 303
    video = Video.objects.get()
    assert names(video) == {"first": ["dawn.jpg"], "last": ["dusk.jpg"], "references": []}
    assert (video.operation, video.credits) == ("first_last", 16)
    shown = flat(page.get(f"/v/{video.pk}/"))
    for label, image in [("First image", video.first_image), ("Last image", video.last_image)]:
        assert image
        link = f'{label}</dt><dd class="facts__images"><a href="/studio/reference/{image.pk}/">'
        assert link in shown
    again = page.get(f"/studio/?from={video.pk}")
    assert slots(again) == {
        "first": (1, ["dawn.jpg"]),
        "last": (1, ["dusk.jpg"]),
        "references": (3, []),
    }
    assert again.context["form"].price == 16
    first = f'<input type="checkbox" name="first_image" value="{video.first_image_id}" checked>'
    assert first in flat(again)


def test_reference_images_are_ordered_in_their_order(page: Client, alice: User) -> None:
    stored = [uploads.store_image(alice, file(name)) for name in ("kite", "child")]
    ids = [str(image.pk) for image in stored]
    sent(page, reference_images=ids[::-1], reference_files=[file("dune")])
    video = Video.objects.get()
    assert names(video)["references"] == ["child.jpg", "kite.jpg", "dune.jpg"]
    assert (video.operation, video.credits) == ("reference", 16)
    again = page.get(f"/studio/?from={video.pk}")
    assert slots(again)["references"] == (3, ["child.jpg", "kite.jpg", "dune.jpg"])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"last_file": "a"}, "A last image needs a first image."),
        (
            {"first_file": "a", "reference_files": "b"},
            "Reference images cannot be combined with a first or a last image.",
        ),
        ({"reference_files": "abcd"}, "All 1 takes up to 3 reference images."),
        ({"model": "text-1", "first_file": "a"}, "Text 1 takes no first image."),
        ({"model": "text-1", "reference_files": "a"}, "Text 1 takes no reference images."),
        (
            {"reference_files": "a", "seconds": "4"},
            "With these images All 1 makes videos of 8 seconds.",
        ),
    ],
)
def test_images_are_refused_with_a_reason_when_the_model_does_not_take_them(
    page: Client, fields: dict[str, str], sentence: str
) -> None:
    files = {
        name: [file(one) for one in value] if name.endswith(("file", "files"))
        else value
        for name, value in fields.items()
    }  # fmt: skip
    answer = sent(page, **files)
    assert (answer.status_code, sentence in flat(answer)) == (422, True)
    assert Video.objects.count() == 0


@pytest.mark.parametrize(
    "files",
    [
        {"first_file": "broken"},
        {"first_file": "dawn", "last_file": "broken"},
        {"reference_files": "broken"},
    ],
)
def test_image_that_cannot_be_stored_is_named_at_its_field(
    page: Client, files: dict[str, str]
) -> None:
    body = {"broken": b"no image", "dawn": picture()}
    answer = sent(page, **{name: upload(body[kind]) for name, kind in files.items()})
    wrong = [name for name, kind in files.items() if kind == "broken"]
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, wrong)


def test_file_beyond_the_quota_is_named_at_its_field(page: Client, settings: LazySettings) -> None:
    settings.UPLOAD_QUOTA_FILES = 1
    answer = sent(page, first_file=file("dawn"), last_file=file("dusk"))
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["last_file"])


def test_nothing_is_stored_when_the_model_does_not_take_the_images(page: Client) -> None:
    sent(page, model="text-1", first_file=file("a"), last_file=file("b"))
    assert Upload.objects.count() == 0


def test_images_are_kept_when_the_order_has_an_error(page: Client, alice: User) -> None:
    first, last = (uploads.store_image(alice, file(name)) for name in ("dawn", "dusk"))
    kept = {"first_image": str(first.pk), "last_image": str(last.pk)}
    expected = {
        "first": (1, ["dawn.jpg"]),
        "last": (1, ["dusk.jpg"]),
        "references": (3, []),
    }
    assert slots(sent(page, prompt=" ", **kept)) == expected
    assert slots(sent(page, keep="1", preset_name="Mine", **kept)) == expected
    page.post("/billing/", {"prompt": "A boat", "model": "all-1", **kept})
    assert slots(page.get("/studio/")) == expected
    # Files that were sent are stored by then, so that nobody has to choose them again.
    answer = sent(page, price_list="", seconds="4", reference_files=[file("kite"), file("child")])
    assert slots(answer)["references"] == (3, ["kite.jpg", "child.jpg"])


def test_draft_keeps_several_reference_images(page: Client, alice: User) -> None:
    ids = [str(uploads.store_image(alice, file(name)).pk) for name in ("kite", "child")]
    page.post("/billing/", {"prompt": "A boat", "model": "all-1", "reference_images": ids})
    assert slots(page.get("/studio/"))["references"] == (3, ["kite.jpg", "child.jpg"])


def test_image_of_another_user_is_refused(page: Client, bob: User) -> None:
    theirs = str(uploads.store_image(bob, file("theirs")).pk)
    fields = ({"first_image": theirs}, {"reference_images": [theirs]}, {"last_image": "no-id"})
    for each in fields:
        answer = sent(page, **each)
        assert (answer.status_code, "This image was deleted." in flat(answer)) == (422, True)
    assert Video.objects.count() == 0


def test_frame_to_extend_a_video_replaces_its_images(page: Client, alice: User) -> None:
    sent(page, reference_files=[file("kite")])
    frame = uploads.store_image(alice, file("frame"))
    answer = page.get(f"/studio/?from={Video.objects.get().pk}&first_image={frame.pk}")
    assert slots(answer) == {"first": (1, ["frame.jpg"]), "last": (1, []), "references": (3, [])}


def test_script_knows_how_many_images_a_model_takes_and_their_lengths(alice: User) -> None:
    found = Composer(alice).offers
    assert found["all-1"]["images"] == {"first": 1, "last": 1, "references": 3}
    assert found["all-1"]["credits"] == {
        "text": {"720p": [4, 8]},
        "image": {"720p": [8, 16]},
        "reference": {"720p": [None, 16]},
    }
    assert "images" not in found["text-1"]


def test_button_for_images_is_hidden_when_the_model_takes_none(page: Client) -> None:
    answer = page.get("/studio/?from=" + str(ordered_text(page).pk))
    assert 'id="images-button" popovertarget="images" hidden>' in flat(answer)
    assert slots(answer) == {"first": (0, []), "last": (0, []), "references": (0, [])}


def ordered_text(page: Client) -> Video:
    sent(page, model="text-1")
    return Video.objects.get()
