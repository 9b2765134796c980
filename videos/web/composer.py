"""The form that orders a video, with the price of every choice."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_lazy as _

from videos import catalog
from videos.jobs import orders
from videos.media import uploads
from videos.models import Preset, Price, Upload

# Aspect ratio and resolution of each size, as the pages show them.
SHAPES = {
    "1280x720": ("16:9", "720p"),
    "720x1280": ("9:16", "720p"),
    "1792x1024": ("7:4", "1024p"),
    "1024x1792": ("4:7", "1024p"),
    "1920x1080": ("16:9", "1080p"),
    "1080x1920": ("9:16", "1080p"),
}
MAX_TAKES = 4
PROMPT_ERRORS = {"required": _("Describe what the video should show.")}


def takes_field() -> forms.TypedChoiceField:
    """Return the field for the number of takes, 1 to MAX_TAKES; 1 when it is not sent."""
    choices = [(n, n) for n in range(1, MAX_TAKES + 1)]
    # The type stubs allow only text as the empty value.
    one: Any = 1
    return forms.TypedChoiceField(choices=choices, coerce=int, required=False, empty_value=one)


def prompt_field() -> forms.CharField:
    """Return the field for a prompt."""
    return forms.CharField(max_length=catalog.PROMPT_MAX, error_messages=PROMPT_ERRORS)


class StalePriceList(Exception):
    """The page showed prices that have changed since; nothing was ordered."""


class Composer(forms.Form):
    """The order form of the studio."""

    prompt = prompt_field()
    model = forms.ChoiceField(choices=[(m.name, m.label) for m in catalog.MODELS.values()])
    size = forms.ChoiceField(choices=[(size, size) for size in SHAPES])
    seconds = forms.TypedChoiceField(
        choices=[(n, n) for n in catalog.DEFAULT_MODEL.seconds], coerce=int
    )
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
        self.flat_prices = catalog.prices()
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
        return catalog.price_list_version(self.flat_prices)

    @property
    def models(self) -> Iterator[dict[str, Any]]:
        for model in catalog.MODELS.values():
            yield {
                "name": model.name,
                "label": model.label,
                "quality": model.quality,
                "checked": model.name == self.chosen_model.name,
                "prices": json.dumps(self._prices(model)),
            }

    @property
    def sizes(self) -> Iterator[dict[str, Any]]:
        chosen = self["size"].value() or catalog.LANDSCAPE
        for name, (shape, resolution) in SHAPES.items():
            takers = [m.quality for m in catalog.MODELS.values() if name in m.sizes]
            width, height = map(int, name.split("x"))
            yield {
                "name": name,
                "shape": shape,
                "resolution": resolution,
                "tall": height > width,
                "only": takers[0] if len(takers) < len(catalog.MODELS) else "",
                "checked": name == chosen,
            }

    @property
    def lengths(self) -> Iterator[dict[str, Any]]:
        for n in catalog.DEFAULT_MODEL.seconds:
            yield {"n": n, "checked": n == self.chosen_seconds}

    @property
    def takes_offered(self) -> Iterator[dict[str, Any]]:
        for n in range(1, MAX_TAKES + 1):
            yield {"n": n, "checked": n == self.chosen_takes}

    @property
    def price_of_one(self) -> int:
        """Credits for one take of the chosen options."""
        kind = Price.Kind.IMAGE if self.stored_image else Price.Kind.TEXT
        flat = self.flat_prices[kind, self.chosen_model.name]
        return catalog.at_length(flat, self.chosen_seconds)

    @property
    def price(self) -> int:
        """Credits the server will charge for the chosen options."""
        return self.price_of_one * self.chosen_takes

    @property
    def presets(self) -> Iterator[dict[str, Any]]:
        """The user's presets, with the labels of their options."""
        for preset in Preset.objects.filter(user_id=self.user.pk):
            model = catalog.MODELS.get(preset.model)
            if model:
                shape = SHAPES.get(preset.size, (preset.size, ""))[0]
                yield {"preset": preset, "model": model.label, "shape": shape}

    @property
    def price_table(self) -> Iterator[dict[str, Any]]:
        """Every price, for pages without JavaScript: one row per length, one cell per model."""
        lengths = catalog.DEFAULT_MODEL.seconds
        flat = [n for n in lengths if n <= catalog.FLAT_SECONDS]
        for group in [flat, *([n] for n in lengths if n > catalog.FLAT_SECONDS)]:
            yield {
                "lengths": ", ".join(map(str, group)),
                "cells": [
                    {kind.value: self._prices(model)[kind][group[0]] for kind in Price.Kind}
                    for model in catalog.MODELS.values()
                ],
            }

    def cheaper_offer(self, available: int) -> "Offer | None":
        """Return the best choice that `available` credits pay for; None when there is none."""
        kind = Price.Kind.IMAGE if self.stored_image else Price.Kind.TEXT
        offers = (
            Offer(catalog.at_length(self.flat_prices[kind, model.name], n) * takes, n, takes, model)
            for model in catalog.MODELS.values()
            for n in model.seconds
            for takes in range(1, self.chosen_takes + 1)
            if n <= self.chosen_seconds
        )
        paid = [offer for offer in offers if offer.credits <= available]
        return max(paid, key=lambda offer: (offer.credits, offer.takes, offer.n), default=None)

    @property
    def chosen_model(self) -> catalog.Model:
        return catalog.MODELS.get(self["model"].value() or "", catalog.DEFAULT_MODEL)

    @property
    def chosen_seconds(self) -> int:
        value = str(self["seconds"].value() or "")
        known = map(str, catalog.DEFAULT_MODEL.seconds)
        return int(value) if value in known else catalog.DEFAULT_SECONDS

    @property
    def chosen_takes(self) -> int:
        value = str(self["takes"].value() or "")
        return int(value) if value in map(str, range(1, MAX_TAKES + 1)) else 1

    def _prices(self, model: catalog.Model) -> dict[str, dict[int, int]]:
        """Return credits by kind and length in seconds."""
        return {
            kind.value: {
                n: catalog.at_length(self.flat_prices[kind, model.name], n) for n in model.seconds
            }
            for kind in Price.Kind
        }


class Offer(NamedTuple):
    """A choice of model, length in `n` seconds and takes, with its price in credits."""

    credits: int
    n: int
    takes: int
    model: catalog.Model
