"""Write orders as interactions."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from videos.engines import templates
from videos.engines.base import Image, RenderRequest
from videos.engines.errors import Unsupported

# Where an interaction keeps our id of the video; label keys are lower-case letters and underscores.
LABEL = "firstlight_video"


def can_call_back(order: RenderRequest) -> bool:
    """Whether the engine calls back: it accepts HTTPS URLs only."""
    return order.callback_url.startswith("https://")


def write_body(order: RenderRequest) -> dict[str, Any]:
    """Return the interaction that makes the order's video; `order.fields` are added to it.

    Raises Unsupported for what the engine has no way to do.
    """
    task = _choose_task(order)
    body: dict[str, Any] = {
        "model": order.model,
        "input": [
            *(_write_image(image) for image in _images(order)),
            {"type": "text", "text": _write_prompt(order)},
        ],
        # The answer comes at once, and the result is kept until it is deleted.
        "background": True,
        "store": True,
        "response_format": {
            "type": "video",
            "aspect_ratio": order.aspect,
            "resolution": order.resolution,
            "duration": f"{order.seconds}s",
            "delivery": "uri",
        },
        "generation_config": {"video_config": {"task": task}},
        "labels": {LABEL: order.token},
    }
    if order.seed is not None:
        body["generation_config"]["seed"] = order.seed
    if order.source_id:
        body["previous_interaction_id"] = order.source_id
    if can_call_back(order):
        body["webhook_config"] = {
            "uris": [order.callback_url],
            "user_metadata": {LABEL: order.token},
        }
    return _merge(_constants(order), body)


def _choose_task(order: RenderRequest) -> str:
    if order.audio is False:
        raise Unsupported("the sound cannot be switched off")
    if order.references and (order.first_image or order.last_image or order.source_id):
        raise Unsupported("references cannot be used together with other images or a remix")
    if order.source_id:
        if order.first_image or order.last_image:
            raise Unsupported("a remix takes no images")
        return "edit"
    if order.references:
        return "reference_to_video"
    if order.last_image and not order.first_image:
        raise Unsupported("a last frame needs a first frame")
    return "image_to_video" if order.first_image else "text_to_video"


def _images(order: RenderRequest) -> list[Image]:
    """All images of an order; the second of two frames is the last one."""
    return [image for image in (order.first_image, order.last_image, *order.references) if image]


def _write_image(image: Image) -> dict[str, str]:
    with image.open() as file:
        data = base64.b64encode(file.read()).decode()
    return {"type": "image", "mime_type": image.content_type, "data": data}


def _write_prompt(order: RenderRequest) -> str:
    if not order.negative_prompt:
        return order.prompt
    return f"{order.prompt}\n\nAvoid the following: {order.negative_prompt}"


def _constants(order: RenderRequest) -> dict[str, Any]:
    """The configured fields, filled; what the user chose is written by this module instead."""
    plain = replace(
        order,
        first_image=None, last_image=None, references=(), seed=None, negative_prompt="", audio=None,
    )  # fmt: skip
    return templates.fill(plain, _write_image)


def _merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Both objects in one, merged at every depth; the other has priority."""
    found = {**one, **other}
    for key in one.keys() & other.keys():
        if isinstance(one[key], Mapping) and isinstance(other[key], Mapping):
            found[key] = _merge(one[key], other[key])
    return found
