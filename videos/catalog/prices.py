"""What videos cost users, in credits: the catalog's prices with those that staff set.

A price is rounded up to whole credits. Without billing every price is 0. Source of the documented
prices: C14.
"""

import hashlib
import math
from decimal import Decimal

from django.conf import settings

from config.lib.prepared_queries import PreparedRows
from videos.catalog import offers
from videos.catalog.entries import Model, PriceRule
from videos.catalog.reading import catalog
from videos.models import Price, Video

Kind = Price.Kind
# The kinds that an order has; either may be silent.
KINDS = (Kind.TEXT, Kind.IMAGE)
Changes = dict[tuple[str, str, str], Decimal]
CHANGED_PRICES = PreparedRows(
    lambda: Price.objects.values_list("kind", "model", "resolution", "credits")
)


class PriceList:
    """Every price of a moment; `version` changes with any price."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def credits(
        self, kind: Kind, word: str, size: str, seconds: int, audio: bool | None = None
    ) -> int | None:
        """Credits for one video; None for a model or a size that the catalog does not have."""
        model = catalog().find(word)
        frame = model.by_size.get(size) if model else None
        if model is None or frame is None:
            return None
        rule = rule_of(word)
        assert rule
        rate = self.rate(kind, word, frame.resolution, audio)
        assert rate is not None
        return total(rule, rate, seconds)

    def of_lengths(
        self, kind: Kind, model: Model, resolution: str, audio: bool | None = None
    ) -> list[int]:
        """Credits for one video of each of the model's lengths."""
        rate = self.rate(kind, model.id, resolution, audio)
        assert rate is not None
        return [total(model.price, rate, seconds) for seconds in model.lengths]

    def rate(
        self, kind: Kind, word: str, resolution: str, audio: bool | None = None
    ) -> Decimal | None:
        """Credits of the unit of the price rule; None for an unknown model.

        A silent video never costs more than one with sound.
        """
        rule, rate = rule_of(word), self._changed(kind, word, resolution)
        if rule is None:
            return None
        if rate is None:
            rate = rule.rate(kind.value, resolution)
        if audio is not False:
            return rate
        silent = self._changed(Kind.SILENT, word, resolution)
        if silent is None and rule.silent is not None:
            silent = rule.rate(kind.value, resolution, audio)
        return rate if silent is None else min(rate, silent)

    def silent_rates(self, model: Model, word: str = "") -> dict[str, Decimal] | None:
        """Credits of the unit without sound by resolution, under a word for the model.

        None where sound cannot be left out, or costs nothing.
        """
        if model.audio != "optional":
            return None
        word = word or model.id
        resolutions = dict.fromkeys(frame.resolution for frame in model.frames)
        with_sound, silent = (
            {name: self.rate(Kind.TEXT, word, name, audio) for name in resolutions}
            for audio in (True, False)
        )
        found = {name: rate for name, rate in silent.items() if rate is not None}
        return None if found == with_sound else found

    def of_default(self, model: Model, word: str = "") -> int:
        """Credits for a video of the model's default size and length, under a word for it."""
        word = word or model.id
        found = self.credits(Kind.TEXT, word, model.default_size, model.default_seconds)
        assert found is not None
        return found

    def _changed(self, kind: Kind, word: str, resolution: str) -> Decimal | None:
        """What staff set; an alias without a price of its own costs what its model costs."""
        alias = catalog().aliases.get(word)
        words = [word] if alias is None or alias.price else [word, alias.model]
        keys = [(kind.value, one, each) for one in words for each in (resolution, "")]
        return next((self._changes[key] for key in keys if key in self._changes), None)

    @property
    def version(self) -> str:
        """A short text; a page sends back the one it was rendered with."""
        known = catalog()
        rules = {model.id: model.price.model_dump_json() for model in known.models.values()}
        rules |= {word: repr(alias) for word, alias in known.aliases.items()}
        listed = repr((sorted(rules.items()), sorted(self._changes.items())))
        return hashlib.sha256(listed.encode()).hexdigest()[:16]


class FreePriceList(PriceList):
    """The prices without billing: 0 for all that the catalog has."""

    def rate(
        self, kind: Kind, word: str, resolution: str, audio: bool | None = None
    ) -> Decimal | None:
        """0; None for an unknown model."""
        return None if rule_of(word) is None else Decimal(0)

    @property
    def version(self) -> str:
        """A text that no list with prices has."""
        return "free"


def kind_of(operation: str) -> Kind:
    """Which price a video of this operation has; a remix costs as much as one from text."""
    return Kind.IMAGE if operation in Video.WITH_IMAGES else Kind.TEXT


def rule_of(word: str) -> PriceRule | None:
    """The catalog's price rule of a model, or that of the alias if it has one."""
    alias = catalog().aliases.get(word)
    if alias and alias.price:
        return alias.price
    model = catalog().find(word)
    return model.price if model else None


def total(rule: PriceRule, rate: Decimal, seconds: int) -> int:
    """Credits for one video at a rate of the rule's unit; a rate of 0 has no minimum."""
    if not rate:
        return 0
    units = Decimal(seconds)
    if rule.per == "clip":
        units = Decimal(1) if seconds <= rule.seconds else Decimal(seconds) / rule.seconds
    # The quotient of a length and the unit may be a repeating decimal.
    return max(math.ceil((rate * units).quantize(Decimal("1e-9"))), rule.minimum)


def current() -> PriceList:
    """The price list of now, with one query; without billing it is free and asks nothing."""
    if not settings.BILLING:
        return FreePriceList({})
    rows = CHANGED_PRICES.all()
    return PriceList({(kind, model, res): credits for kind, model, res, credits in rows})


def price_of_default() -> int:
    """Credits for a video with the default model, size and length."""
    return current().of_default(offers.default_model())


def price(kind: Kind, word: str, size: str, seconds: int, audio: bool | None = None) -> int:
    """Credits for one video of now. Raises KeyError for what the catalog does not have."""
    found = current().credits(kind, word, size, seconds, audio)
    if found is None:
        raise KeyError(word)
    return found
