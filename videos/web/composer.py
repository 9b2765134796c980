"""The form that orders a video, with the price of every choice."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple
from uuid import uuid4

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_lazy as _

from videos.catalog import offers, pauses, prices
from videos.catalog.entries import Model
from videos.catalog.frames import Frame, frame_of
from videos.catalog.reading import catalog
from videos.jobs import orders
from videos.models import Preset
from videos.web import order_fields
from videos.web.image_fields import ImageFields, ImageSlot, slots_of
from videos.web.presenters.model_card import ModelCard, card_of, offers_of, options_of

# More models are chosen in a menu, and more lengths in a select, instead of side by side.
MOST_MODELS, MOST_LENGTHS = 3, 8


def model_choices() -> list[tuple[str, str]]:
    return [(model.id, model.label) for model in offers.offered()]


def size_choices() -> list[tuple[str, str]]:
    return [(size, size) for size in _frames(offers.offered())]


def length_choices() -> list[tuple[int, int]]:
    return [(n, n) for n in _lengths(offers.offered())]


def _frames(models: list[Model]) -> dict[str, Frame]:
    """Every size that one of the models makes."""
    return {frame.size: frame for model in models for frame in model.frames}


def _lengths(models: list[Model]) -> list[int]:
    """Every length in seconds that one of the models makes."""
    return sorted({n for model in models for n in model.lengths})


class StalePriceList(Exception):
    """The page showed prices that have changed since; nothing was ordered."""


class Composer(ImageFields):
    """The order form of the studio."""

    prompt = order_fields.prompt_field()
    model = forms.ChoiceField(choices=model_choices)
    size = forms.ChoiceField(choices=size_choices)
    seconds = forms.TypedChoiceField(choices=length_choices, coerce=int)
    takes = order_fields.takes_field()
    audio = order_fields.audio_field()
    negative_prompt = order_fields.negative_prompt_field()
    seed = order_fields.seed_field()
    # The price list that the page showed.
    price_list = forms.CharField(required=False, max_length=32)

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.current_prices = prices.current()
        self.token = uuid4()

    def order(self) -> orders.VideoOrder:
        """Store the images and return the order.

        Raises StalePriceList, NotOffered or NotStored.
        """
        data = self.cleaned_data
        if data["price_list"] not in {"", self.price_list_version}:
            text = _("The prices have changed. Check the price and order again.")
            raise StalePriceList(str(text))
        self.check_images(self.chosen_model)
        self.store_images()
        return orders.VideoOrder(
            data["prompt"],
            data["model"],
            data["size"],
            data["seconds"],
            first_image=self.images.first,
            last_image=self.images.last,
            references=self.images.references,
            terms=orders.PriceTerms(self.price_of_one),
            choices=self._choices(),
        )

    @property
    def chosen_choices(self) -> offers.Choices:
        """What the user of a valid form chose under more options."""
        data = self.cleaned_data
        audio = False if data["audio"] == order_fields.SILENT else None
        return offers.Choices(data["seed"], data["negative_prompt"], audio)

    def _choices(self) -> offers.Choices:
        """What is chosen under more options.

        Sound that is on and a random seed, which the video's page shows, are said to the engine
        unless that leaves one out which would make the video.
        """
        choices = self.chosen_choices
        if choices.audio is None and "audio" in self.own_options:
            choices = self._if_taken(choices, replace(choices, audio=True))
        if choices.seed is None:
            drawn = secrets.randbelow(offers.MAX_SEED + 1)
            choices = self._if_taken(choices, replace(choices, seed=drawn))
        return choices

    def _if_taken(self, choices: offers.Choices, more: offers.Choices) -> offers.Choices:
        """The second if the same engines make the order with it, else the first."""
        data = self.cleaned_data
        order = (data["model"], self.images.mode, data["size"], data["seconds"])
        engines, taking = (offers.engines_for(*order, choices=one) for one in (choices, more))
        return more if engines and engines == taking else choices

    @property
    def price_list_version(self) -> str:
        return self.current_prices.version

    @cached_property
    def models(self) -> list[ModelCard]:
        now, chosen, paused = self.current_prices, self.chosen_model, self.paused_models
        return [
            card_of(model, now, is_chosen=model == chosen, paused=paused.get(model.id, ""))
            for model in self.offered
        ]

    @property
    def chosen_card(self) -> ModelCard:
        return next(card for card in self.models if card.is_chosen)

    @property
    def has_model_menu(self) -> bool:
        return len(self.offered) > MOST_MODELS

    @property
    def flat_seconds(self) -> int | None:
        """Up to how many seconds all videos of a model cost the same; None if models differ."""
        found = {
            model.price.seconds if model.price.per == "clip" else None for model in self.offered
        }
        return found.pop() if len(found) == 1 else None

    @property
    def offers(self) -> dict[str, dict[str, Any]]:
        """What every model makes and costs, for the page's script."""
        return offers_of(self.offered, self.current_prices)

    @property
    def sizes(self) -> Iterator[dict[str, Any]]:
        """Every size; those of the chosen model and resolution are shown."""
        model, resolution = self.chosen_model, self.chosen_resolution
        for size, other in _frames(self.offered).items():
            frame = model.by_size.get(size, other)
            yield {
                "name": size,
                "shape": frame.aspect,
                "resolution": frame.resolution,
                "tall": frame.is_portrait,
                "shown": size in model.by_size and frame.resolution == resolution,
                "checked": size == self.chosen_size,
            }

    @property
    def resolutions(self) -> Iterator[dict[str, Any]]:
        """Every resolution; those of the chosen model are shown if it has several."""
        own = {frame.resolution for frame in self.chosen_model.frames}
        every = {frame.resolution: frame for model in self.offered for frame in model.frames}
        for name in sorted(every, key=lambda name: every[name].lines):
            shown = name in own and len(own) > 1
            yield {"name": name, "shown": shown, "checked": name == self.chosen_resolution}

    @property
    def has_several_resolutions(self) -> bool:
        return len({frame.resolution for frame in self.chosen_model.frames}) > 1

    @property
    def lengths(self) -> Iterator[dict[str, Any]]:
        """Every length; those of the chosen model are shown if they are few."""
        own = self.chosen_model.lengths
        for n in _lengths(self.offered):
            shown = n in own and not self.has_length_select
            yield {"n": n, "made": n in own, "shown": shown, "checked": n == self.chosen_seconds}

    @property
    def has_length_select(self) -> bool:
        return len(self.chosen_model.lengths) > MOST_LENGTHS

    @property
    def option_errors(self) -> list[Any]:
        """What is wrong besides the prompt, field by field."""
        others = [self[name].errors for name in self.fields if name != "prompt"]
        return [errors for errors in (*others, self.non_field_errors()) if errors]

    @property
    def image_slots(self) -> list[ImageSlot]:
        return slots_of(self.chosen_model, self.images)

    @property
    def most_images(self) -> int:
        """How many images the chosen model takes."""
        return sum(slot.most for slot in self.image_slots)

    @cached_property
    def own_options(self) -> list[str]:
        """What the chosen model takes besides size and length."""
        return options_of(self.chosen_model)

    @cached_property
    def has_options(self) -> bool:
        """Whether any model takes more options."""
        return any(map(options_of, self.offered))

    @property
    def is_silent(self) -> bool:
        return bool(self["audio"].value() == order_fields.SILENT)

    @property
    def options_set(self) -> int:
        """How many options of the chosen model are not left to it."""
        given = {name: self[name].value() not in {None, ""} for name in self.own_options}
        return sum(given.values())

    @property
    def summary(self) -> str:
        """What is chosen, in one line; the page's script keeps it up to date."""
        frame = self.chosen_model.by_size[self.chosen_model.size_like(self.chosen_size)]
        parts = [self.chosen_card.label, frame.aspect]
        if self.has_several_resolutions:
            parts.append(frame.resolution)
        parts += [_("%(n)s s") % {"n": self.chosen_seconds}, f"×{self.chosen_takes}"]
        return " · ".join(map(str, parts))

    @property
    def takes_offered(self) -> Iterator[dict[str, Any]]:
        for n in range(1, order_fields.MAX_TAKES + 1):
            yield {"n": n, "checked": n == self.chosen_takes}

    @property
    def price_of_one(self) -> int:
        """Credits for one take of the chosen options."""
        model = self.chosen_model
        return self._price(model, model.size_like(self.chosen_size), self.chosen_seconds)

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
                more = order_fields.options_again(preset)
                yield {"preset": preset, "model": label, "shape": shape, "options": more}

    @property
    def price_table(self) -> Iterator[dict[str, Any]]:
        """Every price, for pages without JavaScript: one row per length, one cell per model.

        Lengths that cost the same everywhere share a row.
        """
        rows: dict[str, list[int]] = {}
        cells: dict[str, list[dict[str, int]]] = {}
        for n in _lengths(self.offered):
            prices_of_n = [self._prices_of_length(model, n) for model in self.offered]
            rows.setdefault(str(prices_of_n), []).append(n)
            cells[str(prices_of_n)] = prices_of_n
        for key, lengths in rows.items():
            yield {"lengths": ", ".join(map(str, lengths)), "cells": cells[key]}

    def cheaper_offer(self, available: int) -> "Offer | None":
        """Return the best choice that `available` credits pay for and that takes the same order.

        None when there is none.
        """
        single = (
            Offer(self._price(model, model.size_like(self.chosen_size), n), n, 1, model)
            for model in self.offered
            for n in model.lengths
            if n <= self.chosen_seconds
        )
        paid = [
            one._replace(credits=one.credits * takes, takes=takes)
            for one in single
            for takes in range(1, self.chosen_takes + 1)
            if one.credits * takes <= available
        ]
        paid.sort(key=lambda offer: (offer.credits, offer.takes, offer.seconds), reverse=True)
        return next(filter(self._is_possible, paid), None)

    def _is_possible(self, offer: "Offer") -> bool:
        """Whether its model takes orders of this length with the images and choices of the form."""
        model = offer.model
        if model.id in self.paused_models:
            return False
        order = (model.id, model.size_like(self.chosen_size), offer.seconds)
        try:
            offers.check_values(*order, self.chosen_choices, self.images.order_images)
        except offers.NotOffered:
            return False
        return True

    @cached_property
    def offered(self) -> list[Model]:
        return offers.offered()

    @cached_property
    def chosen_model(self) -> Model:
        """The model that is chosen; else the first that takes orders."""
        models = {model.id: model for model in self.offered}
        if chosen := models.get(self["model"].value() or ""):
            return chosen
        ready = (model for model in self.offered if model.id not in self.paused_models)
        return next(ready, self.offered[0])

    @cached_property
    def paused_models(self) -> dict[str, str]:
        """What staff say about each paused model."""
        return pauses.sentences()

    @cached_property
    def chosen_size(self) -> str:
        """The size that is chosen, if any model makes it; else the default of the chosen model."""
        value = str(self["size"].value() or "")
        return value if value in _frames(self.offered) else self.chosen_model.default_size

    @cached_property
    def chosen_resolution(self) -> str:
        model = self.chosen_model
        return model.by_size[model.size_like(self.chosen_size)].resolution

    @cached_property
    def chosen_seconds(self) -> int:
        value = str(self["seconds"].value() or "")
        known = map(str, self.chosen_model.lengths)
        return int(value) if value in known else self.chosen_model.default_seconds

    @property
    def chosen_takes(self) -> int:
        value = str(self["takes"].value() or "")
        return int(value) if value in map(str, range(1, order_fields.MAX_TAKES + 1)) else 1

    def _price(self, model: Model, size: str, seconds: int) -> int:
        kind = prices.kind_of(self.images.mode)
        silent = self.is_silent and "audio" in options_of(model)
        audio = False if silent else None
        found = self.current_prices.credits(kind, model.id, size, seconds, audio)
        assert found is not None
        return found

    def _prices_of_length(self, model: Model, seconds: int) -> dict[str, int]:
        """Credits by kind in the model's default size; {} for a length that it does not make."""
        if seconds not in model.lengths:
            return {}
        size = model.default_size
        found = {
            k.value: self.current_prices.credits(k, model.id, size, seconds) for k in prices.KINDS
        }
        return {kind: credits for kind, credits in found.items() if credits is not None}


class Offer(NamedTuple):
    """A choice of model, length and takes, with its price in credits."""

    credits: int
    seconds: int
    takes: int
    model: Model
