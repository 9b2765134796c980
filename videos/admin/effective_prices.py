"""The prices that apply to each model of the catalog, for the staff page of prices."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from videos.catalog import prices
from videos.catalog.entries import Model
from videos.catalog.prices import PriceList
from videos.catalog.reading import catalog
from videos.models import Price

Kind = Price.Kind


@dataclass(frozen=True)
class EffectivePrice:
    """The rates of one model in one resolution, in credits of the unit.

    `silent` is None where sound cannot be left out or costs nothing. `is_changed` says that staff
    set one of them.
    """

    model: str
    resolution: str
    text: Decimal | None
    image: Decimal | None
    silent: Decimal | None
    unit: str
    is_changed: bool


def describe_unit(word: str) -> str:
    """What a price of this model buys; "-" for a model that the catalog does not have."""
    rule = prices.rule_of(word)
    if rule is None:
        return "-"
    if rule.per == "second":
        return _("per second")
    return _("up to %(n)d seconds") % {"n": rule.seconds}


def effective_prices() -> list[EffectivePrice]:
    now, unchanged = prices.current(), PriceList({})
    return [row for model in catalog().models.values() for row in _rows(model, now, unchanged)]


def _rows(model: Model, now: PriceList, unchanged: PriceList) -> Iterator[EffectivePrice]:
    for resolution in dict.fromkeys(frame.resolution for frame in model.frames):
        rates = _rates(model, resolution, now)
        is_changed = rates != _rates(model, resolution, unchanged)
        unit = describe_unit(model.id)
        yield EffectivePrice(model.label, resolution, *rates, unit, is_changed)


def _rates(
    model: Model, resolution: str, price_list: PriceList
) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    text, image = (price_list.rate(kind, model.id, resolution) for kind in (Kind.TEXT, Kind.IMAGE))
    return text, image, (price_list.silent_rates(model) or {}).get(resolution)
