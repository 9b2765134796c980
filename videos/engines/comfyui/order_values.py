"""The values of an order by the names of a workflow's placeholders.

prompt, negative       texts; negative is empty, or the binding's, where the order has none
width, height          rounded to the binding's `step`
seconds, fps, frames   frames is the first number allowed by the binding's `frames` (such as "4n+1")
                       that is not shorter than the order; fps is the binding's
seed                   the order's, else one derived from its token: a seed that stays the same
                       would be answered from ComfyUI's cache
audio                  whether sound was ordered
prefix                 where files are saved, different for each order
first_image, last_image, reference_1, reference_2, ...    names of uploaded images

Other fields of the binding are values of their own names, such as {{steps}}.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from videos.engines.base import Image, RenderRequest
from videos.engines.errors import Unsupported

FRAMES = re.compile(r"([1-9]\d{0,2})n\+(\d{1,3})")
MAX_FPS, MAX_STEP = 240, 256


def values_of(order: RenderRequest) -> dict[str, Any]:
    """All values but images. Raises Unsupported for a binding with wrong fields."""
    fields = dict(order.fields)
    step = round(_number(fields.pop("step", 1), "step", MAX_STEP))
    rule = fields.pop("frames", "")
    if "fps" in fields:
        wanted = order.seconds * _number(fields["fps"], "fps", MAX_FPS)
        fields["frames"] = count_frames(wanted, rule)
    values = {
        "negative": "",
        **fields,
        "prompt": order.prompt,
        "width": round_to(order.width, step),
        "height": round_to(order.height, step),
        "seconds": order.seconds,
        "seed": seed_of(order.token) if order.seed is None else order.seed,
        "prefix": f"firstlight/{order.token}",
    }
    if order.negative_prompt:
        values["negative"] = order.negative_prompt
    if order.audio is not None:
        values["audio"] = order.audio
    return values


def images_of(order: RenderRequest) -> dict[str, Image]:
    """The images of an order by the names of their placeholders."""
    named = {"first_image": order.first_image, "last_image": order.last_image}
    named |= {f"reference_{n}": image for n, image in enumerate(order.references, start=1)}
    return {name: image for name, image in named.items() if image}


def check_fits(order: RenderRequest, names: set[str], values: Mapping[str, Any]) -> None:
    """Raise Unsupported unless everything chosen has a placeholder, and each of them a value."""
    for name in _chosen(order):
        if name not in names:
            raise Unsupported(f"the workflow has no placeholder for {name}")
    if missing := sorted(names - values.keys() - images_of(order).keys()):
        raise Unsupported(f"there is no value for {', '.join(missing)} of the workflow")


def count_frames(wanted: float, rule: object) -> int:
    """The first number that a rule such as "8n+1" allows and that is not below `wanted`."""
    if not rule:
        return round(wanted)
    match = FRAMES.fullmatch(str(rule))
    if not match:
        raise Unsupported(f"frames of the binding is {rule!r}, not such as '4n+1'")
    each, more = int(match[1]), int(match[2])
    return max(0, -int((more - wanted) // each)) * each + more


def round_to(pixels: int, step: int) -> int:
    """The nearest multiple of `step`, the smaller one of two equally near, but at least one."""
    return max(1, -((step - 2 * pixels) // (2 * step))) * step


def seed_of(token: str) -> int:
    """A seed of 32 bits, always the same for an order."""
    return int.from_bytes(hashlib.sha256(token.encode()).digest()[:4])


def _chosen(order: RenderRequest) -> Iterator[str]:
    yield from images_of(order)
    if order.seed is not None:
        yield "seed"
    if order.negative_prompt:
        yield "negative"
    if order.audio is not None:
        yield "audio"


def _number(value: object, name: str, most: int) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    raise Unsupported(f"{name} of the binding is {value!r}, not a number of 1 to {most}")
