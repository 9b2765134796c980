"""A model as the composer shows it: a card to choose it by, and what the page's script needs."""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from videos.catalog.entries import SEVERAL_IMAGES, Model, PriceRule
from videos.catalog.offers import describe_lengths, lengths_of
from videos.catalog.prices import KINDS, Kind, PriceList
from videos.models import Price


@dataclass(frozen=True)
class ModelCard:
    """A model in words: what it is good at, what it makes, and its lowest price.

    `paused` is the sentence of staff while it takes no orders, else "".
    """

    id: str
    label: str
    note: str
    facts: tuple[str, ...]
    price: str
    is_chosen: bool
    paused: str


def card_of(model: Model, now: PriceList, *, is_chosen: bool, paused: str) -> ModelCard:
    resolutions = dict.fromkeys(frame.resolution for frame in model.frames)
    facts = (
        _("%(lengths)s s") % {"lengths": describe_lengths(model.lengths)},
        ", ".join(resolutions),
        _describe_sound(model),
    )
    note = _(model.note) if model.note else ""
    price = describe_price(model, now)
    return ModelCard(model.id, model.label, note, facts, price, is_chosen, paused)


def _describe_sound(model: Model) -> str:
    words = {
        "none": _("no sound"),
        "always": _("with sound"),
        "optional": _("with or without sound"),
    }
    return words[model.audio]


def describe_price(model: Model, now: PriceList) -> str:
    """The price of a video from text in words; that of the cheapest resolution if they differ."""
    found = {now.rate(Price.Kind.TEXT, model.id, frame.resolution) for frame in model.frames}
    rates = sorted(rate for rate in found if rate is not None)
    return _unit_price(model.price, rates[0]) if len(rates) == 1 else _lowest(model.price, rates[0])


def _unit_price(rule: PriceRule, rate: Decimal) -> str:
    if rule.per == "second":
        text = ngettext("%(n)s credit a second", "%(n)s credits a second", math.ceil(rate))
    else:
        text = ngettext(
            "%(n)s credit up to %(seconds)d s",
            "%(n)s credits up to %(seconds)d s",
            math.ceil(rate),
        )
    return text % {"n": _number(rate), "seconds": rule.seconds}


def _lowest(rule: PriceRule, rate: Decimal) -> str:
    if rule.per == "second":
        text = ngettext(
            "from %(n)s credit a second", "from %(n)s credits a second", math.ceil(rate)
        )
    else:
        text = ngettext("from %(n)s credit", "from %(n)s credits", math.ceil(rate))
    return text % {"n": _number(rate)}


def _number(rate: Decimal) -> str:
    return str(formats.number_format(rate.normalize(), force_grouping=True))


def offers_of(models: list[Model], now: PriceList) -> dict[str, dict[str, Any]]:
    """What the page's script needs of each model, by its id.

    `sizes` gives the resolution of each size, `credits` the prices by mode and resolution, one for
    each of the lengths in `seconds`, None for a length that is not made in this resolution. A mode
    that is left out has the prices of "image", and "image" those of "text". `silent` are the prices
    without sound, where they differ, `options` what the model takes besides, and `images` how many
    images; what is empty is left out.
    """
    return {model.id: _offers_of(model, now) for model in models}


def options_of(model: Model) -> list[str]:
    """What a model takes under more options, as the fields of the form are named."""
    return [*(["audio"] if model.audio == "optional" else []), *model.takes]


def image_limits_of(model: Model) -> dict[str, int]:
    """How many images of each kind a model takes."""
    return {
        "first": int("image" in model.modes or "first_last" in model.modes),
        "last": int("first_last" in model.modes),
        "references": model.max_references if "reference" in model.modes else 0,
    }


def _offers_of(model: Model, now: PriceList) -> dict[str, Any]:
    credits = _credits(model, now)
    silent = _credits(model, now, audio=False) if model.audio == "optional" else credits
    more = {
        "silent": silent if silent != credits else {},
        "options": options_of(model),
        "images": {name: most for name, most in image_limits_of(model).items() if most},
    }
    return {
        "sizes": {frame.size: frame.resolution for frame in model.frames},
        "seconds": list(model.lengths),
        "credits": credits,
        **{name: value for name, value in more.items() if value},
    }


Rates = dict[str, list[int | None]]


def _credits(model: Model, now: PriceList, *, audio: bool | None = None) -> dict[str, Rates]:
    text, image = (_rates(model, now, kind, audio) for kind in KINDS)
    found = {"text": _keep_made(text, model, "text"), "image": _keep_made(image, model, "image")}
    likely = found["image"]
    if found["image"] == found["text"]:
        del found["image"]
    for mode in SEVERAL_IMAGES:
        if mode in model.modes and (own := _keep_made(image, model, mode)) != likely:
            found[mode] = own
    return found


def _rates(model: Model, now: PriceList, kind: Kind, audio: bool | None) -> dict[str, list[int]]:
    """The prices of a kind of video, by resolution."""
    resolutions = dict.fromkeys(frame.resolution for frame in model.frames)
    return {name: now.of_lengths(kind, model, name, audio) for name in resolutions}


def _keep_made(rates: dict[str, list[int]], model: Model, mode: str) -> Rates:
    """The prices without those of lengths that no engine makes in a mode that the model has."""
    sizes = {frame.resolution: frame.size for frame in model.frames}
    found: Rates = {}
    for resolution, credits in rates.items():
        made = lengths_of(model, mode if mode in model.modes else "", sizes[resolution])
        both = zip(model.lengths, credits, strict=True)
        found[resolution] = [price if n in made else None for n, price in both]
    return found
