"""The form that orders a video, with the price of every choice."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from videos.catalog import offers, prices
from videos.catalog.entries import Model
from videos.catalog.frames import Frame, frame_of
from videos.catalog.reading import catalog
from videos.jobs import orders
from videos.media import uploads
from videos.models import Preset, Price, Upload

MAX_TAKES = 4
PROMPT_ERRORS = {"required": _("Describe what the video should show.")}


def takes_field() -> forms.TypedChoiceField:
    """Return the field for the number of takes, 1 to MAX_TAKES; 1 when it is not sent."""
    choices = [(n, n) for n in range(1, MAX_TAKES + 1)]
    # The type stubs allow only text as the empty value.
    one: Any = 1
    return forms.TypedChoiceField(choices=choices, coerce=int, required=False, empty_value=one)


def model_choices() -> list[tuple[str, str]]:
    return [(model.id, model.label) for model in offers.offered()]


def size_choices() -> list[tuple[str, str]]:
    return [(size, size) for size in _frames()]


def length_choices() -> list[tuple[int, int]]:
    return [(n, n) for n in _lengths()]


def _frames() -> dict[str, Frame]:
    """Every size that an offered model makes."""
    return {frame.size: frame for model in offers.offered() for frame in model.frames}


def _lengths() -> list[int]:
    """Every length in seconds that an offered model makes."""
    return sorted({n for model in offers.offered() for n in model.lengths})


def prompt_field() -> forms.CharField:
    """Return the field for a prompt."""
    return forms.CharField(max_length=offers.PROMPT_MAX, error_messages=PROMPT_ERRORS)


class StalePriceList(Exception):
    """The page showed prices that have changed since; nothing was ordered."""


class Composer(forms.Form):
    """The order form of the studio."""

    prompt = prompt_field()
    model = forms.ChoiceField(choices=model_choices)
    size = forms.ChoiceField(choices=size_choices)
    seconds = forms.TypedChoiceField(choices=length_choices, coerce=int)
    takes = takes_field()
    image = forms.FileField(required=False)
    # The price list that the page showed.
    price_list = forms.CharField(required=False, max_length=32)
    # The image uploaded with an earlier attempt at the same order.
    reference = forms.ModelChoiceField(
        queryset=Upload.objects.none(),
        required=False,
        error_messages={"invalid_choice": _("This image was deleted. Choose it again.")},
    )

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.current_prices = prices.current()
        self.token = uuid4()
        self.stored_image: Upload | None = None
        images = uploads.reference_images_of(user)
        self.fields["reference"].queryset = images  # type: ignore[attr-defined]

    @property
    def max_image_bytes(self) -> int:
        """The largest image that is accepted, in bytes."""
        return int(settings.UPLOAD_MAX_BYTES)

    @property
    def max_image_mb(self) -> int:
        return self.max_image_bytes // 1024**2

    def order(self) -> orders.VideoOrder:
        """Store the image and return the order. Raises StalePriceList, BadImage or QuotaFull."""
        data = self.cleaned_data
        if data["price_list"] not in {"", self.price_list_version}:
            text = _("The prices have changed. Check the price and order again.")
            raise StalePriceList(str(text))
        if data["image"]:
            self.stored_image = uploads.store_image(self.user, data["image"])
        return orders.VideoOrder(
            data["prompt"],
            data["model"],
            data["size"],
            data["seconds"],
            self.stored_image,
            terms=orders.PriceTerms(self.price_of_one),
        )

    def clean(self) -> dict[str, Any]:
        self.stored_image = self.cleaned_data.get("reference")
        return self.cleaned_data

    @property
    def price_list_version(self) -> str:
        return self.current_prices.version

    @property
    def models(self) -> Iterator[dict[str, Any]]:
        for model in offers.offered():
            yield {
                "id": model.id,
                "label": model.label,
                "note": gettext(model.note) if model.note else "",
                "checked": model == self.chosen_model,
                "from_price": self.current_prices.of_default(model),
                "default_seconds": model.default_seconds,
                "offers": json.dumps(self._offers_of(model)),
            }

    @property
    def sizes(self) -> Iterator[dict[str, Any]]:
        for frame in _frames().values():
            yield {
                "name": frame.size,
                "shape": frame.aspect,
                "resolution": frame.resolution,
                "tall": frame.is_portrait,
                "made": frame.size in self.chosen_model.by_size,
                "checked": frame.size == self.chosen_size,
            }

    @property
    def lengths(self) -> Iterator[dict[str, Any]]:
        for n in _lengths():
            made = n in self.chosen_model.lengths
            yield {"n": n, "made": made, "checked": n == self.chosen_seconds}

    @property
    def takes_offered(self) -> Iterator[dict[str, Any]]:
        for n in range(1, MAX_TAKES + 1):
            yield {"n": n, "checked": n == self.chosen_takes}

    @property
    def price_of_one(self) -> int:
        """Credits for one take of the chosen options."""
        model, size, seconds = self.chosen_model, self.chosen_size, self.chosen_seconds
        if size not in model.by_size:
            size = model.size_like(size)
        return self._price(model, size, seconds)

    @property
    def price(self) -> int:
        """Credits the server will charge for the chosen options."""
        return self.price_of_one * self.chosen_takes

    @property
    def presets(self) -> Iterator[dict[str, Any]]:
        """The user's presets, with the labels of their options."""
        for preset in Preset.objects.filter(user_id=self.user.pk):
            if preset.model in catalog().models:
                shape = frame_of(preset.size).aspect
                label = catalog().label(preset.model)
                yield {"preset": preset, "model": label, "shape": shape}

    @property
    def price_table(self) -> Iterator[dict[str, Any]]:
        """Every price, for pages without JavaScript: one row per length, one cell per model.

        Lengths that cost the same everywhere share a row.
        """
        rows: dict[str, list[int]] = {}
        cells: dict[str, list[dict[str, int]]] = {}
        for n in _lengths():
            prices_of_n = [self._prices_of_length(model, n) for model in offers.offered()]
            rows.setdefault(str(prices_of_n), []).append(n)
            cells[str(prices_of_n)] = prices_of_n
        for key, lengths in rows.items():
            yield {"lengths": ", ".join(map(str, lengths)), "cells": cells[key]}

    def cheaper_offer(self, available: int) -> "Offer | None":
        """Return the best choice that `available` credits pay for; None when there is none."""
        choices = (
            Offer(self._price(model, model.size_like(self.chosen_size), n) * takes, n, takes, model)
            for model in offers.offered()
            for n in model.lengths
            for takes in range(1, self.chosen_takes + 1)
            if n <= self.chosen_seconds
        )
        paid = [offer for offer in choices if offer.credits <= available]
        return max(paid, key=lambda offer: (offer.credits, offer.takes, offer.n), default=None)

    @property
    def chosen_model(self) -> Model:
        models = {model.id: model for model in offers.offered()}
        return models.get(self["model"].value() or "") or offers.default_model()

    @property
    def chosen_size(self) -> str:
        """The size that is chosen, if any model makes it; else the default of the chosen model."""
        value = str(self["size"].value() or "")
        return value if value in _frames() else self.chosen_model.default_size

    @property
    def chosen_seconds(self) -> int:
        value = str(self["seconds"].value() or "")
        known = map(str, self.chosen_model.lengths)
        return int(value) if value in known else self.chosen_model.default_seconds

    @property
    def chosen_takes(self) -> int:
        value = str(self["takes"].value() or "")
        return int(value) if value in map(str, range(1, MAX_TAKES + 1)) else 1

    def _price(self, model: Model, size: str, seconds: int) -> int:
        kind = Price.Kind.IMAGE if self.stored_image else Price.Kind.TEXT
        found = self.current_prices.credits(kind, model.id, size, seconds)
        assert found is not None
        return found

    def _offers_of(self, model: Model) -> dict[str, Any]:
        """What the page's script needs of a model: sizes, and credits by kind, size and length."""
        by_resolution = {frame.resolution: frame.size for frame in model.frames}
        return {
            "sizes": list(model.by_size),
            "prices": {
                kind.value: {
                    resolution: {
                        n: self.current_prices.credits(kind, model.id, size, n)
                        for n in model.lengths
                    }
                    for resolution, size in by_resolution.items()
                }
                for kind in Price.Kind
            },
        }

    def _prices_of_length(self, model: Model, seconds: int) -> dict[str, int]:
        """Credits by kind in the model's default size; {} for a length that it does not make."""
        if seconds not in model.lengths:
            return {}
        size = model.default_size
        found = {
            k.value: self.current_prices.credits(k, model.id, size, seconds) for k in Price.Kind
        }
        return {kind: credits for kind, credits in found.items() if credits is not None}


class Offer(NamedTuple):
    """A choice of model, length in `n` seconds and takes, with its price in credits."""

    credits: int
    n: int
    takes: int
    model: Model
