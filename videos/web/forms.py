"""What people fill in: the composer of the studio and the remix of a video."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from videos import catalog
from videos.jobs import state_machine
from videos.media import uploads
from videos.models import Preset, Price, Upload

# How a size is called: its shape, and its resolution.
SHAPES = {
    "1280x720": ("16:9", "720p"),
    "720x1280": ("9:16", "720p"),
    "1792x1024": ("7:4", "1024p"),
    "1024x1792": ("4:7", "1024p"),
    "1920x1080": ("16:9", "1080p"),
    "1080x1920": ("9:16", "1080p"),
}
MOST_TAKES = 4
PROMPT_ERRORS = {"required": _("Write what should be seen.")}


def takes_field() -> forms.TypedChoiceField:
    choices = [(n, n) for n in range(1, MOST_TAKES + 1)]
    # What is not sent is one take; the stubs know only text for it.
    one: Any = 1
    return forms.TypedChoiceField(choices=choices, coerce=int, required=False, empty_value=one)


def prompt_field() -> forms.CharField:
    return forms.CharField(max_length=catalog.PROMPT_MAX, error_messages=PROMPT_ERRORS)


class Composer(forms.Form):
    """An order, with the price of every choice beside it."""

    prompt = prompt_field()
    model = forms.ChoiceField(choices=[(m.name, m.label) for m in catalog.MODELS.values()])
    size = forms.ChoiceField(choices=[(size, size) for size in SHAPES])
    seconds = forms.TypedChoiceField(
        choices=[(n, n) for n in catalog.DEFAULT_MODEL.seconds], coerce=int
    )
    takes = takes_field()
    image = forms.FileField(required=False)
    # An image that came with an earlier try of the same order.
    reference = forms.ModelChoiceField(
        queryset=Upload.objects.none(),
        required=False,
        error_messages={"invalid_choice": _("This image is gone. Choose it again.")},
    )

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.flat = catalog.prices()
        self.token = uuid4()
        self.kept: Upload | None = None
        images = uploads.pictures_of(user)
        self.fields["reference"].queryset = images  # type: ignore[attr-defined]

    @property
    def image_most(self) -> int:
        """How large an image may be, in bytes."""
        return int(settings.UPLOAD_MAX_BYTES)

    @property
    def image_most_mb(self) -> int:
        return self.image_most // 1024**2

    def wish(self) -> state_machine.Wish:
        """What was ordered; its image is stored by now. Raises uploads.BadImage."""
        data = self.cleaned_data
        if data["image"]:
            self.kept = uploads.keep_image(self.user, data["image"])
        return state_machine.Wish(
            data["prompt"], data["model"], data["size"], data["seconds"], self.kept
        )

    def clean(self) -> dict[str, Any]:
        self.kept = self.cleaned_data.get("reference")
        return self.cleaned_data

    # ---- what the template shows ----

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
        for n in range(1, MOST_TAKES + 1):
            yield {"n": n, "checked": n == self.chosen_takes}

    @property
    def price_of_one(self) -> int:
        kind = Price.Kind.IMAGE if self.kept else Price.Kind.TEXT
        flat = self.flat[kind, self.chosen_model.name]
        return catalog.at_length(flat, self.chosen_seconds)

    @property
    def price(self) -> int:
        """What the chosen options cost, as the server will charge it."""
        return self.price_of_one * self.chosen_takes

    @property
    def presets(self) -> Iterator[dict[str, Any]]:
        """What this person kept, with how its choices are called."""
        for preset in Preset.objects.filter(user_id=self.user.pk):
            model = catalog.MODELS.get(preset.model)
            if model:
                shape = SHAPES.get(preset.size, (preset.size, ""))[0]
                yield {"preset": preset, "model": model.label, "shape": shape}

    @property
    def table(self) -> Iterator[dict[str, Any]]:
        """Every price, for a page without JavaScript: a row of lengths, a cell for each model."""
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

    def cheaper(self, available: int) -> "Offer | None":
        """The dearest choice that `available` credits pay for, same prompt and image."""
        kind = Price.Kind.IMAGE if self.kept else Price.Kind.TEXT
        offers = (
            Offer(catalog.at_length(self.flat[kind, model.name], n) * takes, n, takes, model)
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
        return int(value) if value in map(str, range(1, MOST_TAKES + 1)) else 1

    def _prices(self, model: catalog.Model) -> dict[str, dict[int, int]]:
        """Credits by kind and length in seconds."""
        return {
            kind.value: {
                n: catalog.at_length(self.flat[kind, model.name], n) for n in model.seconds
            }
            for kind in Price.Kind
        }


class Offer(NamedTuple):
    """A model for `n` seconds, some takes of it, and what they cost."""

    credits: int
    n: int
    takes: int
    model: catalog.Model


class RemixForm(forms.Form):
    prompt = prompt_field()


class CollectionForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=80, error_messages={"required": _("Give it a name.")}
    )


class PresetForm(forms.Form):
    """The options of the composer, to be kept under a name; the same name keeps them anew."""

    preset_name = forms.CharField(
        max_length=60, error_messages={"required": _("Give the preset a name.")}
    )
    preset_ending = forms.CharField(max_length=400, required=False)
    model = forms.ChoiceField(choices=[(m.name, m.label) for m in catalog.MODELS.values()])
    size = forms.ChoiceField(choices=[(size, size) for size in SHAPES])
    seconds = forms.TypedChoiceField(
        choices=[(n, n) for n in catalog.DEFAULT_MODEL.seconds], coerce=int
    )
    takes = takes_field()

    def save(self, user: AbstractBaseUser) -> Preset:
        options = {name: self.cleaned_data[name] for name in ("model", "size", "seconds", "takes")}
        kept, _new = Preset.objects.update_or_create(
            user_id=user.pk,
            name=self.cleaned_data["preset_name"],
            defaults={**options, "ending": self.cleaned_data["preset_ending"]},
        )
        return kept


class WelcomeForm(forms.Form):
    """How somebody wants to be spoken and written to."""

    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices)
    mails = forms.BooleanField(
        label=_("Write to me when my videos are ready or have failed"), required=False
    )
