"""What a catalog file says: models, their prices, and the engines that make them.

A file is JSON: {"models": [...], "aliases": {...}, "qualities": {...}}. Unknown fields are errors.
"""

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from videos.catalog import frames
from videos.catalog.frames import Frame
from videos.engines import templates
from videos.models.price import MAX_CREDITS

Mode = Literal["text", "image", "first_last", "reference", "remix", "extend"]
# What an order may choose besides prompt, size and length.
Choice = Literal["first_image", "last_image", "references", "seed", "negative_prompt", "audio"]
# The most reference images of any order.
MOST_REFERENCES = 10
# The longest video of any model, in seconds.
LONGEST = 600
Seconds = Annotated[int, Field(ge=1, le=LONGEST)]
# A word for a model; columns and requests hold 64 characters.
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
NotNegative = Annotated[Decimal, Field(ge=0)]
# No video is free: the ledger has no entry of 0 credits.
Credits = Annotated[Decimal, Field(gt=0, le=MAX_CREDITS)]
# One amount, or an amount for each resolution.
CreditRate = Credits | dict[str, Credits]
MoneyRate = NotNegative | dict[str, NotNegative]
# The images that each mode sends.
IMAGES: dict[str, tuple[Choice, ...]] = {
    "image": ("first_image",),
    "first_last": ("first_image", "last_image"),
    "reference": ("references",),
}
SEVERAL_IMAGES = ("first_last", "reference")


class Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(Entry):
    """Lengths from `min` to `max` seconds."""

    min: int = Field(ge=1)
    max: int = Field(le=LONGEST)
    step: int = Field(1, ge=1)


class PriceRule(Entry):
    """Credits for a video: for a whole clip of up to `seconds`, pro rata beyond; or per second.

    `image` is the price of a video that begins with an image, by default that of one from text.
    `silent` is the price without sound, where the model can leave it out.
    """

    per: Literal["clip", "second"]
    seconds: int = Field(12, ge=1)
    text: CreditRate
    image: CreditRate | None = None
    silent: CreditRate | None = None
    minimum: int = Field(0, ge=0, le=MAX_CREDITS)

    def rate(self, kind: str, resolution: str, audio: bool | None = None) -> Decimal:
        """Credits of the unit."""
        found = self.image if kind == "image" and self.image is not None else self.text
        if audio is False and self.silent is not None:
            found = self.silent
        return found[resolution] if isinstance(found, dict) else found

    def find_problem(self, made: tuple[Frame, ...]) -> str:
        """Why videos of these frames cannot be sold by the rule; "" if they can."""
        for rate in (self.text, self.image, self.silent):
            listed = {frame.resolution for frame in made}
            if isinstance(rate, dict) and (missing := sorted(listed - rate.keys())):
                return f"no price for {missing[0]}"
        return ""


class CostRule(Entry):
    """What the engine charges the operator, in money; `as_of` says when `source` was read."""

    currency: str = Field("USD", pattern=r"^[A-Z]{3}$")
    per_second: MoneyRate | None = None
    per_clip: NotNegative | None = None
    silent: MoneyRate | None = None
    minimum: NotNegative = Decimal(0)
    as_of: str
    source: str

    def amount(self, resolution: str, seconds: int, audio: bool | None = None) -> Decimal | None:
        """The cost of one video; None when the rule has none for this resolution."""
        rate = self.silent if audio is False and self.silent is not None else self.per_second
        if rate is None:
            return self.per_clip
        each = rate.get(resolution) if isinstance(rate, dict) else rate
        return None if each is None else max(each * seconds, self.minimum)


class Binding(Entry):
    """How an engine makes the model: `engine` is the name of a configured engine, or its kind.

    `model` is the engine's own name, one for all modes or one for each that it has; `input` holds
    the input fields of a job, with placeholders, and `inputs` further ones by mode. `takes` names
    the choices that the adapter sends by itself. The other fields narrow what the model offers;
    `seconds` lists the lengths of modes that have few.
    """

    engine: str
    model: str | dict[Mode, str] = ""
    input: dict[str, Any] = {}
    inputs: dict[Mode, dict[str, Any]] = {}
    takes: tuple[Choice, ...] = ()
    modes: tuple[Mode, ...] = ()
    resolutions: tuple[str, ...] = ()
    max_seconds: int | dict[Mode, int] = 600
    seconds: dict[Mode, tuple[Seconds, ...]] = {}
    cost: CostRule | None = None
    ends: date | None = None

    def name_for(self, mode: str) -> str | None:
        """The engine's name of the model in this mode; None when it does not have the mode.

        It has a mode of several images only if it names the mode or takes these images.
        """
        if self.modes and mode not in self.modes:
            return None
        if mode in SEVERAL_IMAGES and not (
            self._names(mode) or self.takes_for(mode).issuperset(IMAGES[mode])
        ):
            return None
        if isinstance(self.model, dict):
            return self.model.get(mode)  # type: ignore[call-overload, no-any-return]
        return self.model

    def fields_for(self, mode: str) -> dict[str, Any]:
        return {**self.input, **self.inputs.get(mode, {})}  # type: ignore[call-overload]

    def takes_for(self, mode: str) -> set[str]:
        """The names of all values that a job of this mode can carry."""
        return set(self.takes) | templates.names_in(self.fields_for(mode))

    def has_length(self, mode: str, seconds: int) -> bool:
        longest = self.max_seconds
        if isinstance(longest, dict):
            longest = longest.get(mode, LONGEST)  # type: ignore[call-overload]
        listed = self.seconds.get(mode)  # type: ignore[call-overload]
        return seconds <= longest and (listed is None or seconds in listed)

    def _names(self, mode: str) -> bool:
        listed = self.model if isinstance(self.model, dict) else {}
        return mode in self.modes or mode in listed or mode in self.inputs


class Model(Entry):
    """A model that users choose; `sizes`, or `aspects` in `resolutions`, the first is the default.

    From the day of `sunset` on it is not offered, and orders are answered with `replacement`.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")
    label: str = Field(min_length=1, max_length=60)
    note: str = Field("", max_length=200)
    modes: tuple[Mode, ...] = ("text",)
    sizes: tuple[Annotated[str, Field(pattern=r"^[1-9]\d{1,3}x[1-9]\d{1,3}$")], ...] = ()
    aspects: tuple[Annotated[str, Field(pattern=r"^[1-9]\d?:[1-9]\d?$")], ...] = ()
    resolutions: tuple[str, ...] = ()
    seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)] | Span
    default_seconds: int
    audio: Literal["none", "always", "optional"]
    takes: tuple[Literal["seed", "negative_prompt"], ...] = ()
    max_references: int = Field(0, ge=0, le=MOST_REFERENCES)
    quality: str = "standard"
    family: str = ""  # what the credit history calls it instead of the label
    price: PriceRule
    sunset: date | None = None
    replacement: str = ""
    bindings: tuple[Binding, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> "Model":
        if bool(self.sizes) == bool(self.aspects):
            raise ValueError("give either sizes, or aspects with resolutions")
        if self.default_seconds not in self.lengths:
            raise ValueError("default_seconds is not among the seconds")
        if len(self.by_size) < len(self.frames):
            raise ValueError("two of its resolutions have the same sizes")
        if "reference" in self.modes and not self.max_references:
            raise ValueError("give max_references, the most reference images of an order")
        if problem := self.price.find_problem(self.frames):
            raise ValueError(problem)
        return self

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        if self.sizes:
            return tuple(map(frames.frame_of, self.sizes))
        return frames.combine(self.aspects, self.resolutions)

    @cached_property
    def by_size(self) -> dict[str, Frame]:
        return {frame.size: frame for frame in self.frames}

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        if isinstance(self.seconds, Span):
            return tuple(range(self.seconds.min, self.seconds.max + 1, self.seconds.step))
        return self.seconds

    def narrowed(
        self,
        *,
        modes: Collection[str],
        resolutions: Collection[str],
        lengths: tuple[int, ...],
        takes: Collection[str],
        longest_default: int,
    ) -> "Model":
        """This model with only these modes, resolutions, lengths and choices.

        Sound that cannot be chosen is made always. A default length above the longest one becomes
        the next shorter length.
        """
        sizes = {frame.size for frame in self.frames if frame.resolution in resolutions}
        most = min(self.default_seconds, longest_default)
        audio = "always" if self.audio == "optional" and "audio" not in takes else self.audio
        kept = {
            "modes": tuple(mode for mode in self.modes if mode in modes),
            "sizes": tuple(size for size in self.sizes if size in sizes),
            "resolutions": tuple(each for each in self.resolutions if each in resolutions),
            "seconds": self.seconds if lengths == self.lengths else lengths,
            "default_seconds": max((n for n in lengths if n <= most), default=lengths[0]),
            "takes": tuple(name for name in self.takes if name in takes),
            "max_references": self.max_references if "reference" in modes else 0,
            "audio": audio,
        }
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        # Reading a model again costs more than looking whether it must be.
        same = all(fields[name] == value for name, value in kept.items())
        return self if same else Model.model_validate({**fields, **kept})

    @property
    def default_size(self) -> str:
        return self.frames[0].size

    def size_like(self, size: str) -> str:
        """The size itself if the model makes it, else its first of the same orientation."""
        if size in self.by_size:
            return size
        portrait = frames.frame_of(size).is_portrait
        return next((f.size for f in self.frames if f.is_portrait == portrait), self.default_size)


class Alias(Entry):
    """Another word for a model, with a price of its own if one is given."""

    model: str
    price: PriceRule | None = None


class CatalogFile(Entry):
    """The whole file; `qualities` says which model, or alias, a word of quality means."""

    models: tuple[Model, ...] = ()
    aliases: dict[Word, Alias] = {}
    qualities: dict[str, str] = {}
