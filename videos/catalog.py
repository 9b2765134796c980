"""The catalog: models with their sizes and lengths, the engines that make them, and prices.

Prices are the documented ones unless staff set a Price.
"""

import hashlib
import math
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from videos.models import Price

LANDSCAPE, PORTRAIT = "1280x720", "720x1280"
FLAT_SECONDS = 12
PROMPT_MAX = 5000


@dataclass(frozen=True)
class Model:
    """A model that users choose; sizes in pixels, the first is the default."""

    name: str
    label: str
    quality: str
    sizes: tuple[str, ...]
    seconds: tuple[int, ...] = (4, 8, 12, 16, 20)


MODELS = {
    model.name: model
    for model in (
        Model("sora-2", "Sora 2", "standard", (LANDSCAPE, PORTRAIT)),
        Model(
            "sora-2-pro",
            "Sora 2 Pro",
            "hd",
            (LANDSCAPE, PORTRAIT, "1792x1024", "1024x1792", "1920x1080", "1080x1920"),
        ),
    )
}
DEFAULT_MODEL = MODELS["sora-2"]
DEFAULT_SECONDS = 8


# Credits for up to FLAT_SECONDS. Source: C14.
PRICES = {
    (Price.Kind.TEXT, "sora-2"): 20,
    (Price.Kind.TEXT, "sora-2-pro"): 30,
    (Price.Kind.IMAGE, "sora-2"): 25,
    (Price.Kind.IMAGE, "sora-2-pro"): 35,
}


class NotOffered(Exception):
    """The catalog does not offer a value of the order; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def check(model: str, size: str, seconds: int) -> Model:
    """The model, if it takes this size and length. Raises NotOffered."""
    offer = MODELS.get(model)
    if offer is None:
        raise NotOffered(
            "model", _("Unknown model. Choose one of: %(models)s.") % {"models": ", ".join(MODELS)}
        )
    if size not in offer.sizes:
        names = {"model": offer.label, "sizes": ", ".join(offer.sizes)}
        raise NotOffered("size", _("%(model)s makes %(sizes)s.") % names)
    if seconds not in offer.seconds:
        names = {"model": offer.label, "lengths": ", ".join(map(str, offer.seconds))}
        raise NotOffered("seconds", _("%(model)s makes videos of %(lengths)s seconds.") % names)
    if not engines_for(model, seconds=seconds):
        text = _("%(model)s is not available at the moment.")
        raise NotOffered("model", text % {"model": offer.label})
    return offer


def engines_for(model: str, operation: str = "text", seconds: int = 0, at: str = "") -> list[str]:
    """The engines that make such a video, in the order of the settings; only `at` if it is given.

    The sandbox is never the fallback of a real engine, nor a real engine that of the sandbox.
    """
    if model not in MODELS:
        return []
    found = [
        name
        for name, config in settings.ENGINES.items()
        if _is_listed(model, config.get("offered_models", ""))
        and _is_listed(operation, config.get("operations", ""))
        and seconds <= int(config.get("max_seconds") or seconds)
    ]
    kinds = {name: settings.ENGINES[name].get("is_sandbox", "") for name in found}
    alike = [name for name in found if kinds[name] == kinds[found[0]]]
    return [name for name in alike if name == at] if at else alike


def _is_listed(word: str, words: str) -> bool:
    """Whether a word is one of those listed; a list that is empty has them all."""
    return not words or word in words.split(",")


def price(kind: Price.Kind, model: str, seconds: int) -> int:
    """Credits for one video: flat up to 12 seconds, pro rata beyond, rounded up."""
    return at_length(prices()[kind, model], seconds)


def at_length(credits: int, seconds: int) -> int:
    """A flat price at a length in seconds."""
    return credits if seconds <= FLAT_SECONDS else math.ceil(credits * seconds / FLAT_SECONDS)


def prices() -> dict[tuple[Price.Kind, str], int]:
    """Every flat price, by kind and model."""
    changed = {(Price.Kind(row.kind), row.model): row.credits for row in Price.objects.all()}
    return {**PRICES, **changed}


def price_list_version(flat_prices: dict[tuple[Price.Kind, str], int]) -> str:
    """A short text that changes with any price; a page sends back the one it was rendered with."""
    listed = sorted((kind.value, model, credits) for (kind, model), credits in flat_prices.items())
    return hashlib.sha256(repr(listed).encode()).hexdigest()[:16]
