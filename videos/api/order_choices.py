"""Fields of an order whose values are the catalog's: model, size, seconds.

Requests are checked by videos.catalog.offers, which says what is wrong in words. The OpenAPI
document names the values that are offered while it is generated, with the catalog's prices.
"""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

from config.lib.api.strict_fields import TextField, WholeNumberField
from videos.catalog import offers, prices
from videos.catalog.entries import Model
from videos.catalog.reading import catalog


class ModelField(TextField):
    """The id or an alias of a model."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, **kwargs)


class SizeField(TextField):
    """Width and height in pixels."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=16, **kwargs)


class SecondsField(WholeNumberField):
    """The length in seconds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=600, **kwargs)


def words() -> dict[str, Model]:
    """Return what an order may name as its model, with what it means; the default comes first."""
    names = [offers.default_word(), *filter(offers.is_available, catalog().aliases)]
    names += [model.id for model in offers.offered()]
    return {word: offers.find(word) for word in dict.fromkeys(names)}


def sizes() -> list[str]:
    """Return every size that a model makes."""
    return list(dict.fromkeys(frame.size for model in words().values() for frame in model.frames))


def lengths() -> list[int]:
    """Return every length that a model makes, in seconds."""
    return sorted({seconds for model in words().values() for seconds in model.lengths})


def state() -> tuple[object, ...]:
    """Return what the document takes from the catalog; another value means another document."""
    return tuple(_sentences()), tuple(sizes()), tuple(lengths())


def _sentences() -> list[str]:
    """Describe each model with its default order and the catalog's price for it."""
    listed = prices.PriceList({})  # without a query; what staff changed is at /api/models
    found = []
    for word, model in words().items():
        size, seconds = model.default_size, model.default_seconds
        price = listed.credits(prices.Kind.TEXT, word, size, seconds)
        cost = f", {price} credits" if settings.BILLING else ""
        found.append(f"`{word}`: {model.label}, {seconds} s at {size}{cost}.")
    return found


class _ChoiceExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes the fields above; `values` and `text` are asked when the document is generated."""

    kind = "string"

    def values(self) -> list[Any]:
        raise NotImplementedError

    def text(self) -> str:
        raise NotImplementedError

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": self.kind, "enum": self.values(), "description": self.text()}


class _ModelExtension(_ChoiceExtension):  # type: ignore[no-untyped-call]
    target_class = ModelField

    def values(self) -> list[str]:
        return list(words())

    def text(self) -> str:
        return (
            "The model; the first one if left out. What an order costs that leaves size and"
            f" seconds out: {' '.join(_sentences())} `GET /api/models` has every price."
        )


class _SizeExtension(_ChoiceExtension):  # type: ignore[no-untyped-call]
    target_class = SizeField

    def values(self) -> list[str]:
        return sizes()

    def text(self) -> str:
        return "Width x height. `GET /api/models` says which sizes a model makes."


class _SecondsExtension(_ChoiceExtension):  # type: ignore[no-untyped-call]
    target_class = SecondsField
    kind = "integer"

    def values(self) -> list[int]:
        return lengths()

    def text(self) -> str:
        return "The length. `GET /api/models` says which lengths a model makes."
