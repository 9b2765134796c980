"""Fill the input fields of a job: JSON in which {placeholders} stand for values of the order.

A text that is one placeholder becomes the value itself, so "{seconds}" becomes a number;
"{seconds:text}" becomes a text, and a placeholder inside a longer text is written into it. A field
whose value the order does not have is left out.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from videos.engines.base import Image, RenderRequest
from videos.engines.errors import Unsupported

PLACEHOLDER = re.compile(r"\{([a-z_]+)(:text)?\}")
# Values that the user chose to give: an engine without a field for one of them must not drop it.
CHOSEN = ("first_image", "last_image", "references", "seed", "negative_prompt", "audio")
NAMES = ("prompt", "size", "width", "height", "ratio", "aspect", "resolution", "seconds", *CHOSEN)
_MISSING, _ANYTHING = object(), object()


def fill(order: RenderRequest, give: Callable[[Image], Any]) -> dict[str, Any]:
    """Return the order's fields with their placeholders filled.

    `give` returns what stands for an image, such as its URL after an upload; it is called only for
    images that the fields name. Raises Unsupported if no field takes something that was chosen.
    """
    check_takes(order)
    filled = _fill(order.fields, _Values(order, give))
    assert isinstance(filled, dict)
    return filled


def check_takes(order: RenderRequest) -> None:
    """Raise Unsupported if the fields have no place for something that the user chose."""
    known = names_in(order.fields)
    for name in CHOSEN:
        if _chosen(order, name) and name not in known:
            raise Unsupported(f"the engine's input has no field for {name}")


def may_be_input_of(order: RenderRequest, listed: Any) -> bool:
    """Whether the input of a job in an engine's list may be this order's.

    An image is compared by being there only: its URL is another one after each upload. Fields that
    the order's own do not know are the engine's.
    """
    asked = _fill(order.fields, _Values(order, lambda _: _ANYTHING))
    left_out = order.fields.keys() - asked.keys()
    return _is_like(asked, listed) and not any(listed.get(name) is not None for name in left_out)


def names_in(template: Any) -> set[str]:
    """Return the names of all placeholders in a template, also of unknown ones."""
    if isinstance(template, str):
        return {match[1] for match in PLACEHOLDER.finditer(template)}
    return {name for inner in _children(template) for name in names_in(inner)}


class _Values:
    """The values of an order by the names of the placeholders; images are given when asked for."""

    def __init__(self, order: RenderRequest, give: Callable[[Image], Any]) -> None:
        self.order, self.give = order, give

    def __getitem__(self, name: str) -> Any:
        order = self.order
        match name:
            case "first_image":
                return self.give(order.first_image) if order.first_image else _MISSING
            case "last_image":
                return self.give(order.last_image) if order.last_image else _MISSING
            case "references":
                return [self.give(image) for image in order.references] or _MISSING
            case "ratio":
                return order.size.replace("x", ":")
            case _ if name in NAMES:
                value = getattr(order, name)
                return _MISSING if value is None or value == "" else value
        raise Unsupported(f"the engine's input names the unknown value {name}")


def _is_like(asked: Any, listed: Any) -> bool:
    if asked is _ANYTHING:
        return bool(listed)
    if isinstance(asked, Mapping):
        return isinstance(listed, Mapping) and all(
            key in listed and _is_like(value, listed[key]) for key, value in asked.items()
        )
    if isinstance(asked, list):
        same_length = isinstance(listed, list) and len(asked) == len(listed)
        return same_length and all(map(_is_like, asked, listed))
    return bool(asked == listed)


def _chosen(order: RenderRequest, name: str) -> bool:
    return getattr(order, name) not in (None, "", ())


def _children(template: Any) -> Iterator[Any]:
    if isinstance(template, Mapping):
        yield from template.values()
    elif isinstance(template, list):
        yield from template


def _fill(template: Any, values: _Values) -> Any:
    if isinstance(template, str):
        return _fill_text(template, values)
    if isinstance(template, Mapping):
        pairs = ((key, _fill(inner, values)) for key, inner in template.items())
        return {key: value for key, value in pairs if value is not _MISSING}
    if isinstance(template, list):
        found = [value for inner in template if (value := _fill(inner, values)) is not _MISSING]
        return found if found or not template else _MISSING
    return template


def _fill_text(template: str, values: _Values) -> Any:
    whole = PLACEHOLDER.fullmatch(template)
    if whole and not whole[2]:
        return values[whole[1]]
    found = {match[0]: values[match[1]] for match in PLACEHOLDER.finditer(template)}
    if any(value is _MISSING for value in found.values()):
        return _MISSING
    return PLACEHOLDER.sub(lambda match: str(found[match[0]]), template)
