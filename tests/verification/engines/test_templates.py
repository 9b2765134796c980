"""The input fields of a job: which placeholders there are, and what stands in their place."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pytest

from videos.engines import templates
from videos.engines.base import Image, RenderRequest
from videos.engines.errors import Unsupported

FIRST = Image("first.png", "image/png", lambda: BytesIO(b"first"))
LAST = Image("last.png", "image/png", lambda: BytesIO(b"last"))


def order(fields: Mapping[str, Any], **more: Any) -> RenderRequest:
    return RenderRequest(
        "token", "A boat {seed}", "model", "1280x720", 8,
        aspect="16:9", resolution="720p", fields=fields, **more,
    )  # fmt: skip


def fill(fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return templates.fill(order(fields, **more), lambda image: f"https://files/{image.name}")


@pytest.mark.parametrize(
    ("placeholder", "value"),
    [
        ("{prompt}", "A boat {seed}"),  # what a user writes is never a placeholder
        ("{seconds}", 8),
        ("{seconds:text}", "8"),
        ("{seconds}s", "8s"),
        ("{width} by {height}", "1280 by 720"),
        ("{ratio}", "1280:720"),
        ("{aspect}", "16:9"),
        ("{resolution}", "720p"),
        ("{size}", "1280x720"),
        ("a constant", "a constant"),
        (7, 7),
        (True, True),
    ],
)
def test_placeholder_becomes_the_value_of_the_order(placeholder: object, value: object) -> None:
    assert fill({"field": placeholder}) == {"field": value}


def test_chosen_values_keep_their_type() -> None:
    fields = {"seed": "{seed}", "audio": "{audio}", "not": "{negative_prompt}"}
    assert fill(fields, seed=0, audio=False, negative_prompt="fog") == {
        "seed": 0,
        "audio": False,
        "not": "fog",
    }


def test_fields_without_a_value_are_left_out() -> None:
    fields = {
        "seed": "{seed}", "image": "{first_image}", "images": ["{first_image}", "{last_image}"],
        "inner": {"last": "{last_image}", "kept": 1}, "text": "seed {seed}", "empty": [],
    }  # fmt: skip
    assert fill(fields) == {"inner": {"kept": 1}, "empty": []}


def test_images_are_given_where_the_fields_name_them() -> None:
    fields = {
        "frames": [{"uri": "{first_image}", "position": "first"}, {"uri": "{last_image}"}],
        "references": "{references}",
    }
    assert fill(fields, first_image=FIRST, last_image=LAST, references=(LAST, FIRST)) == {
        "frames": [
            {"uri": "https://files/first.png", "position": "first"},
            {"uri": "https://files/last.png"},
        ],
        "references": ["https://files/last.png", "https://files/first.png"],
    }


@pytest.mark.parametrize(
    ("chosen", "name"),
    [
        ({"first_image": FIRST}, "first_image"),
        ({"last_image": LAST}, "last_image"),
        ({"references": (LAST,)}, "references"),
        ({"seed": 0}, "seed"),
        ({"negative_prompt": "fog"}, "negative_prompt"),
        ({"audio": False}, "audio"),
    ],
)
def test_what_a_user_chose_is_never_dropped(chosen: dict[str, Any], name: str) -> None:
    given: list[Image] = []
    with pytest.raises(Unsupported) as caught:
        templates.fill(order({"prompt": "{prompt}"}, **chosen), given.append)
    assert (caught.value.detail, given) == (f"the engine's input has no field for {name}", [])


def test_unknown_placeholder_is_refused() -> None:
    with pytest.raises(Unsupported) as caught:
        fill({"prompt": "{promt}"})
    assert caught.value.detail == "the engine's input names the unknown value promt"
    assert templates.names_in({"a": ["{promt}"], "b": {"c": "x {seed}"}, "d": 1}) == {
        "promt",
        "seed",
    }


LISTED = {"prompt": "A boat {seed}", "duration": "8s", "image": "https://files/1.png", "fps": 24}


@pytest.mark.parametrize(
    ("changes", "alike"),
    [
        ({}, True),
        ({"image": "https://files/2.png"}, True),
        ({"fps": 30}, True),
        ({"seed": None}, True),
        ({"prompt": "Another"}, False),
        ({"duration": "4s"}, False),
        ({"image": None}, False),
        ({"seed": 7}, False),
    ],
)
def test_listed_input_is_compared_with_the_order(changes: dict[str, Any], alike: bool) -> None:
    fields = {
        "prompt": "{prompt}", "duration": "{seconds}s", "image": "{first_image}", "seed": "{seed}"
    }  # fmt: skip
    asked = order(fields, first_image=FIRST)
    assert templates.may_be_input_of(asked, {**LISTED, **changes}) is alike


@pytest.mark.parametrize("listed", [None, [], "text", {}, {"images": [{"uri": "u"}]}])
def test_listed_input_in_another_form_is_not_the_orders(listed: Any) -> None:
    fields = {"images": [{"uri": "{first_image}"}, {"uri": "{last_image}"}]}
    asked = order(fields, first_image=FIRST, last_image=LAST)
    assert not templates.may_be_input_of(asked, listed)
    assert templates.may_be_input_of(asked, {"images": [{"uri": "u"}, {"uri": "v", "at": 1}]})
