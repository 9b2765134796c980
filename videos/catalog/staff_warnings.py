"""What staff should know of the catalog: losses, models that end or lack, rates that lack.

The sandbox costs nothing and never ends, so that only real engines are looked at.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from billing import exchange, money
from videos.catalog import capabilities, offers, prices
from videos.catalog.entries import CostRule, Model
from videos.catalog.prices import Kind, PriceList
from videos.catalog.reading import catalog
from videos.engines.base import is_sandbox

# How long before a model ends staff are warned.
NOTICE = timedelta(days=60)


class Loss(NamedTuple):
    """A video that is sold below its cost; both in the currency of credits."""

    word: str
    engine: str
    resolution: str
    seconds: int
    silent: bool
    price: Decimal
    cost: Decimal

    @property
    def rank(self) -> tuple[Decimal, Decimal]:
        """The share of the cost that is paid, then the loss in money; the greatest loss first."""
        return self.price / self.cost, self.price - self.cost


def find_warnings() -> list[str]:
    """Everything below, in sentences; one query."""
    return [
        *map(_describe, find_losses()), *describe_ends(), *describe_words(), *describe_rates()
    ]  # fmt: skip


def find_losses() -> list[Loss]:
    """For each model, word and engine that sells below cost the video with the greatest loss.

    None without billing: nothing is sold.
    """
    if not settings.BILLING:
        return []
    listed = prices.current()
    found = []
    for word, model in _words_on_sale():
        for engine, rule in _costs(model):
            losses = list(_losses(listed, word, model, engine, rule))
            if losses:
                found.append(min(losses, key=lambda loss: loss.rank))
    return found


def _words_on_sale() -> Iterator[tuple[str, Model]]:
    models = {model.id: model for model in offers.offered()}
    yield from models.items()
    for word, alias in catalog().aliases.items():
        if alias.model in models:
            yield word, models[alias.model]


def _costs(model: Model) -> Iterator[tuple[str, CostRule]]:
    for engine in _real_engines(model.id):
        binding = capabilities.binding_at(model.id, engine)
        if binding and binding.cost:
            yield engine, binding.cost


def _real_engines(model: str, operation: str = "", size: str = "", seconds: int = 0) -> list[str]:
    names = offers.engines_for(model, operation, size, seconds)
    return [name for name in names if not is_sandbox(name)]


def _losses(
    listed: PriceList, word: str, model: Model, engine: str, rule: CostRule
) -> Iterator[Loss]:
    sizes = {frame.resolution: frame.size for frame in model.frames}
    for kind in prices.KINDS:
        for resolution, size in sizes.items():
            for seconds in _telling_lengths(word, model, kind, size, engine):
                for audio in (None, False) if model.audio == "optional" else (None,):
                    price = listed.credits(kind, word, size, seconds, audio)
                    amount = rule.amount(resolution, seconds, audio)
                    cost = None if amount is None else exchange.convert(amount, rule.currency)
                    if price is None or cost is None:
                        continue
                    value = exchange.credit_value(price)
                    if value < cost:
                        silent = audio is False
                        yield Loss(word, engine, resolution, seconds, silent, value, cost)


def _telling_lengths(word: str, model: Model, kind: Kind, size: str, engine: str) -> set[int]:
    """The lengths at which a margin can be smallest: the ends, and the end of a flat price."""
    made = [n for n in model.lengths if engine in _real_engines(model.id, kind.value, size, n)]
    rule = prices.rule_of(word)
    flat = [n for n in made if rule and rule.per == "clip" and n <= rule.seconds]
    return {*made[:1], *made[-1:], *flat[-1:]}


def _describe(loss: Loss) -> str:
    text = _(
        "%(model)s at %(engine)s is sold below cost: %(seconds)d seconds at %(resolution)s cost"
        " %(cost)s and are sold for %(price)s."
    )
    if loss.silent:
        text = _(
            "%(model)s at %(engine)s is sold below cost: %(seconds)d seconds at %(resolution)s"
            " without sound cost %(cost)s and are sold for %(price)s."
        )
    return text % {
        "model": loss.word if loss.word in catalog().aliases else catalog().label(loss.word),
        "engine": loss.engine,
        "seconds": loss.seconds,
        "resolution": loss.resolution,
        "cost": money.with_sign(loss.cost, exchange.CURRENCY, 2),
        "price": money.with_sign(loss.price, exchange.CURRENCY, 2),
    }


def describe_ends() -> Iterator[str]:
    """Models and bindings that end within NOTICE, and words for models that have ended."""
    today = timezone.localdate()
    for model in catalog().models.values():
        engines = _real_engines(model.id)
        if engines and model.sunset and today < model.sunset <= today + NOTICE:
            names = {"model": model.label, "date": formats.date_format(model.sunset)}
            yield _("%(model)s ends on %(date)s and is not offered from then on.") % names
        for engine in engines:
            binding = capabilities.binding_at(model.id, engine)
            ends = binding and binding.ends
            if ends and today < ends <= today + NOTICE:
                names = {"model": model.label, "date": formats.date_format(ends), "engine": engine}
                yield _("%(engine)s stops making %(model)s on %(date)s.") % names
    for word, alias in catalog().aliases.items():
        model = catalog().models[alias.model]
        if model.sunset and offers.is_over(model):
            names = {"word": word, "model": model.label, "date": formats.date_format(model.sunset)}
            yield (
                _("%(word)s means %(model)s, which ended on %(date)s: orders of it are refused.")
                % names
            )


def describe_words() -> Iterator[str]:
    """Words of quality and aliases that mean a model which no configured engine makes."""
    if not any(offers.engines_for(model) for model in catalog().models):
        return
    for word in catalog().aliases:
        if not offers.engines_for(_model_of(word).id):
            text = _("%(word)s means %(model)s, which no engine makes: orders of it are refused.")
            yield text % {"word": word, "model": _model_of(word).label}
    for quality, word in catalog().qualities.items():
        if not offers.engines_for(_model_of(word).id):
            text = _(
                "The quality %(quality)s means %(model)s, which no engine makes: orders of it are"
                " refused. Set MODEL_ALIASES for %(word)s."
            )
            yield text % {"quality": quality, "model": _model_of(word).label, "word": word}


def _model_of(word: str) -> Model:
    model = catalog().find(word)
    assert model  # the reading of the catalog refuses other words
    return model


def describe_rates() -> Iterator[str]:
    """Currencies in which engines charge that have no rate, and rates that are old."""
    used = {
        rule.currency
        for model in offers.offered()
        for _engine, rule in _costs(model)
        if rule.per_clip != 0
    }
    for currency in sorted(used - settings.EXCHANGE_RATES.keys() - {exchange.CURRENCY}):
        text = _("Margins are unknown: engines charge in %(currency)s. Set EXCHANGE_RATES.")
        yield text % {"currency": currency}
    for currency, as_of in exchange.outdated_rates(timezone.localdate()).items():
        text = _("The exchange rate of %(currency)s is of %(date)s. Set EXCHANGE_RATES anew.")
        yield text % {"currency": currency, "date": formats.date_format(as_of)}
