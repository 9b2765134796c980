"""Which models are offered, which engines make an order, and why an order is not possible."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from videos.catalog import capabilities, modes, pauses
from videos.catalog.entries import Model
from videos.catalog.modes import NO_IMAGES, OrderImages
from videos.catalog.reading import Catalog, catalog
from videos.engines.base import is_sandbox
from videos.models import Video

PROMPT_MAX, NEGATIVE_PROMPT_MAX = 5000, 2000
# Gemini and Wan take seeds of 31 bits only.
MAX_SEED = 2**31 - 1


class NotOffered(Exception):
    """The catalog does not offer a value of the order; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def offered() -> list[Model]:
    """The models that a configured engine makes, in the order they are shown.

    Each has only the modes, sizes, lengths and choices that an engine can make of it. Once a real
    engine makes any, those that only the sandbox makes are hidden: nobody should pay for its
    placeholders. Without any engine these are the first models, so that pages have something to
    show.
    """
    return list(_offered(catalog(), capabilities.configured()))


@lru_cache(maxsize=64)
def _offered(known: Catalog, _key: capabilities.Configured) -> tuple[Model, ...]:
    models = [model for model in known.models.values() if model.id not in known.aliases]
    made = [model for model in models if not is_over(model) and _is_made(model)]
    real = [model for model in made if not _is_of_sandbox(model)]
    lasting = [model for model in models if not is_over(model)]
    return tuple(map(capabilities.narrow, real or made or lasting[:2] or models[:2]))


def are_all_of_sandbox() -> bool:
    """Tell whether only the sandbox makes what is offered: no real engine is configured."""
    return all(engines_for(model.id) and _is_of_sandbox(model) for model in offered())


def default_model() -> Model:
    return offered()[0]


def default_word() -> str:
    """The word of the default model: what a client that names no model asks for."""
    standard = catalog().qualities.get("standard", "")
    return standard if is_available(standard) else default_model().id


def is_available(word: str) -> bool:
    """Whether an engine makes what a word means: an alias, or the id of a model that is offered."""
    if word in catalog().aliases:
        found = catalog().find(word)
        return found is not None and not is_over(found) and _is_made(found)
    return word in {model.id for model in offered()}


def is_over(model: Model) -> bool:
    return model.sunset is not None and model.sunset <= _today()


def find(word: str) -> Model:
    """The model that an id or an alias means, with what engines make of it. Raises NotOffered."""
    model = catalog().find(word)
    if model is None:
        words = ", ".join([*(model.id for model in offered()), *catalog().aliases])
        raise NotOffered(
            "model", _("Unknown model. Choose one of: %(models)s.") % {"models": words}
        )
    if is_over(model):
        text = _("%(model)s ended on %(date)s.")
        if model.replacement:
            text = _("%(model)s ended on %(date)s. Use %(other)s.")
        names = {
            "model": model.label,
            "date": formats.date_format(model.sunset or _today()),
            "other": model.replacement,
        }
        raise NotOffered("model", text % names)
    return capabilities.narrow(model)


def find_made(model_id: str) -> Model | None:
    """The model of this id with what engines make of it; None when the catalog has none."""
    model = catalog().models.get(model_id)
    return capabilities.narrow(model) if model else None


@dataclass(frozen=True)
class Choices:
    """What an order may choose besides prompt, size and length; `audio` None is the model's own."""

    seed: int | None = None
    negative_prompt: str = ""
    audio: bool | None = None

    @property
    def names(self) -> set[str]:
        """The names of what is chosen, as catalog.entries.Choice has them."""
        chosen = {"seed": self.seed is not None, "negative_prompt": bool(self.negative_prompt)}
        return {
            name for name, given in {**chosen, "audio": self.audio is not None}.items() if given
        }


NOTHING = Choices()


def choices_of(video: Video) -> Choices:
    """What the order of a video chose."""
    return Choices(video.seed, video.negative_prompt, video.audio)


def complete(word: str, size: str, seconds: int) -> tuple[str, str, int]:
    """The model, size and length with the defaults for what is empty. Raises NotOffered."""
    word = word or default_word()
    model = find(word)
    return word, size or model.default_size, seconds or model.default_seconds


def word_again(model: str, requested: str) -> str:
    """The word that orders a stored video again: that of its order, while it means this model."""
    found = catalog().find(requested) if requested else None
    return requested if found and found.id == model else model


def check(
    word: str,
    size: str,
    seconds: int,
    choices: Choices = NOTHING,
    images: OrderImages = NO_IMAGES,
) -> Model:
    """The model, if it takes orders of this size, length, choices and images. Raises NotOffered."""
    model = check_values(word, size, seconds, choices, images)
    if sentence := pauses.sentence_of(model.id):
        raise NotOffered("model", sentence)
    return model


def check_values(
    word: str,
    size: str,
    seconds: int,
    choices: Choices = NOTHING,
    images: OrderImages = NO_IMAGES,
) -> Model:
    """The model, if it makes this size, length, choices and images, also while it is paused.

    Raises NotOffered.
    """
    model = find(word)
    if not _is_made(model):
        raise _not_available(model)
    if size not in model.by_size:
        names = {"model": model.label, "sizes": ", ".join(model.by_size)}
        raise NotOffered("size", _("%(model)s makes %(sizes)s.") % names)
    if seconds not in model.lengths:
        names = {"model": model.label, "lengths": describe_lengths(model.lengths)}
        raise NotOffered("seconds", _("%(model)s makes videos of %(lengths)s seconds.") % names)
    _check_choices(model, choices)
    if not engines_for(model.id, size=size, seconds=seconds):
        names = {
            "model": model.label,
            "size": size,
            "lengths": describe_lengths(lengths_of(model, size=size)),
        }
        text = _("%(model)s makes videos of %(lengths)s seconds in %(size)s.")
        raise NotOffered("seconds", text % names)
    if images != NO_IMAGES:
        _check_images(model, images, size, seconds, choices)
    return model


def _check_images(
    model: Model, images: OrderImages, size: str, seconds: int, choices: Choices
) -> None:
    """Check the images, and that with them an engine makes this size, length and choices."""
    if problem := modes.find_problem(model, images):
        raise NotOffered(*problem)
    mode = images.mode
    if engines_for(model.id, mode, size, seconds, choices=choices):
        return
    lengths = lengths_of(model, mode, size)
    if lengths and seconds not in lengths:
        text = _("With these images %(model)s makes videos of %(lengths)s seconds.")
        names = {"model": model.label, "lengths": describe_lengths(lengths)}
        raise NotOffered("seconds", text % names)
    if not lengths:
        sizes = [one for one in model.by_size if lengths_of(model, mode, one)]
        names = {"model": model.label, "sizes": ", ".join(sizes)}
        raise NotOffered("size", _("With these images %(model)s makes %(sizes)s.") % names)
    refusals = {
        "seed": _("With these images %(model)s takes no seed."),
        "negative_prompt": _("With these images %(model)s takes no negative prompt."),
        "audio": _("With these images the sound of %(model)s cannot be chosen."),
    }
    able = [each for each in capabilities.of_model(model) if each.can(mode, size, seconds)]
    for name in refusals.keys() & choices.names:
        if not any(name in each.takes for each in able):
            raise NotOffered(name, refusals[name] % {"model": model.label})


def _not_available(model: Model) -> NotOffered:
    text = _("%(model)s is not available at the moment.")
    return NotOffered("model", text % {"model": model.label})


def _check_choices(model: Model, choices: Choices) -> None:
    refusals = {
        "seed": (_("%(model)s takes no seed."), "seed" in model.takes),
        "negative_prompt": (
            _("%(model)s takes no negative prompt."),
            "negative_prompt" in model.takes,
        ),
        "audio": (
            _("%(model)s makes no sound.")
            if model.audio == "none"
            else _("%(model)s always makes sound."),
            model.audio == "optional",
        ),
    }
    for name, (text, is_taken) in refusals.items():
        if name in choices.names and not is_taken:
            raise NotOffered(name, text % {"model": model.label})


def describe_lengths(lengths: tuple[int, ...]) -> str:
    """Lengths in words: "4, 6, 8" or "3 to 15"."""
    first, last = lengths[0], lengths[-1]
    if len(lengths) > 5 and lengths == tuple(range(first, last + 1)):
        return _("%(first)d to %(last)d") % {"first": first, "last": last}
    return ", ".join(map(str, lengths))


def lengths_of(model: Model, mode: str = "", size: str = "") -> tuple[int, ...]:
    """The lengths that an engine makes in this mode and size; empty ones stand for any."""
    able = [each for each in capabilities.of_model(model) if each.can(mode, size)]
    made = {n for each in able for n in each.lengths}
    return tuple(n for n in model.lengths if n in made)


def engines_for(
    model_id: str,
    operation: str = "",
    size: str = "",
    seconds: int = 0,
    at: str = "",
    choices: Choices = NOTHING,
) -> list[str]:
    """The engines that make such a video, in the order of preference; only `at` if it is given.

    Without an operation these are the engines that have any. A size and a length that the model
    does not have are not looked at.
    """
    model = catalog().models.get(model_id)
    if model is None:
        return []
    size = size if size in model.by_size else ""
    seconds = seconds if seconds in model.lengths else 0
    found = dict.fromkeys(
        each.engine
        for each in capabilities.of_model(model)
        if each.can(operation, size, seconds, choices.names)
    )
    return [name for name in found if name == at] if at else list(found)


def _is_made(model: Model) -> bool:
    return bool(engines_for(model.id))


def _is_of_sandbox(model: Model) -> bool:
    return all(map(is_sandbox, engines_for(model.id)))


def _today() -> date:
    return timezone.localdate()
