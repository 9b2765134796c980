"""Which models are offered, which engines make an order, and why an order is not possible."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from videos.catalog import pauses
from videos.catalog.entries import Binding, Model
from videos.catalog.reading import catalog
from videos.engines.base import is_sandbox
from videos.models import Video

PROMPT_MAX = 5000


class NotOffered(Exception):
    """The catalog does not offer a value of the order; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def offered() -> list[Model]:
    """The models that a configured engine makes, in the order they are shown.

    Once a real engine makes any, those that only the sandbox makes are hidden: nobody should pay
    for its placeholders. Without any engine these are the first models, so that pages have
    something to show.
    """
    hidden = catalog().aliases
    models = [model for model in catalog().models.values() if model.id not in hidden]
    made = [model for model in models if not is_over(model) and _is_made(model)]
    real = [model for model in made if not _is_of_sandbox(model)]
    return real or made or models[:2]


def default_model() -> Model:
    return offered()[0]


def default_word() -> str:
    """The word of the default model: what a client that names no model asks for."""
    standard = catalog().qualities.get("standard", "")
    found = catalog().find(standard)
    is_alias = standard in catalog().aliases
    is_made = found and not is_over(found) and _is_made(found)
    is_offered = is_made and (found in offered() or is_alias)
    return standard if is_offered else default_model().id


def is_over(model: Model) -> bool:
    return model.sunset is not None and model.sunset <= _today()


def find(word: str) -> Model:
    """The model that an id or an alias means. Raises NotOffered."""
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
    return model


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


def check(word: str, size: str, seconds: int, choices: Choices = NOTHING) -> Model:
    """The model, if it takes orders of this size, length and choices. Raises NotOffered."""
    model = check_values(word, size, seconds, choices)
    if sentence := pauses.sentence_of(model.id):
        raise NotOffered("model", sentence)
    return model


def check_values(word: str, size: str, seconds: int, choices: Choices = NOTHING) -> Model:
    """The model, if it makes this size, length and choices, also while it is paused.

    Raises NotOffered.
    """
    model = find(word)
    if size not in model.by_size:
        names = {"model": model.label, "sizes": ", ".join(model.by_size)}
        raise NotOffered("size", _("%(model)s makes %(sizes)s.") % names)
    if seconds not in model.lengths:
        names = {"model": model.label, "lengths": describe_lengths(model)}
        raise NotOffered("seconds", _("%(model)s makes videos of %(lengths)s seconds.") % names)
    _check_choices(model, choices)
    if not engines_for(model.id, size=size, seconds=seconds):
        text = _("%(model)s is not available at the moment.")
        raise NotOffered("model", text % {"model": model.label})
    return model


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


def describe_lengths(model: Model) -> str:
    """The lengths of a model in words: "4, 6, 8" or "3 to 15"."""
    first, last = model.lengths[0], model.lengths[-1]
    if len(model.lengths) > 5 and model.lengths == tuple(range(first, last + 1)):
        return _("%(first)d to %(last)d") % {"first": first, "last": last}
    return ", ".join(map(str, model.lengths))


def engines_for(
    model_id: str,
    operation: str = "",
    size: str = "",
    seconds: int = 0,
    at: str = "",
    choices: Choices = NOTHING,
) -> list[str]:
    """The engines that make such a video, in the order of preference; only `at` if it is given.

    Without an operation these are the engines that have any. The sandbox is never the fallback of
    a real engine, nor a real engine that of the sandbox.
    """
    model = catalog().models.get(model_id)
    if model is None:
        return []
    found = [
        name
        for name, binding in _bindings(model)
        if _can(model, binding, settings.ENGINES[name], operation, size, seconds)
        and choices.names <= binding.takes_for(operation or "text")
    ]
    alike = [name for name in found if is_sandbox(name) == is_sandbox(found[0])]
    return [name for name in alike if name == at] if at else alike


def binding_at(model_id: str, engine: str) -> Binding | None:
    """How an engine makes a model, also after the binding has ended, for orders that came before.

    None when the catalog does not say, such as after the operator removed the binding.
    """
    model = catalog().models.get(model_id)
    if model is None or engine not in settings.ENGINES:
        return None
    offered, ever = dict(_bindings(model)), dict(_bindings(model, ended=True))
    return offered.get(engine) or ever.get(engine)


def _bindings(model: Model, *, ended: bool = False) -> Iterator[tuple[str, Binding]]:
    """The configured engines that make a model, each with its first binding that has not ended.

    The engines come in the order of the settings. An engine that maps the model to a name of its
    own needs no binding in the catalog.
    """
    valid = [each for each in model.bindings if ended or not each.ends or each.ends > _today()]
    for name, config in settings.ENGINES.items():
        binding = next((each for each in valid if each.engine in {name, config["adapter"]}), None)
        if binding is None and _is_mapped(model.id, config):
            binding = Binding(engine=name, takes=("first_image",))
        if binding:
            yield name, binding


def _is_mapped(model: str, config: Mapping[str, str]) -> bool:
    return any(pair.partition("=")[0] == model for pair in config.get("models", "").split(","))


def _is_made(model: Model) -> bool:
    return bool(engines_for(model.id))


def _is_of_sandbox(model: Model) -> bool:
    return all(map(is_sandbox, engines_for(model.id)))


def _can(
    model: Model, binding: Binding, config: Mapping[str, str], mode: str, size: str, seconds: int
) -> bool:
    """Whether an engine makes such a video; an empty mode asks for any mode of the model."""
    if not _is_listed(model.id, config.get("offered_models", "")):
        return False
    modes = [mode] if mode else model.modes
    return any(_has_mode(model, binding, config, one, size, seconds) for one in modes)


def _has_mode(
    model: Model, binding: Binding, config: Mapping[str, str], mode: str, size: str, seconds: int
) -> bool:
    if mode not in model.modes or not _is_listed(mode, config.get("operations", "")):
        return False
    frame = model.by_size.get(size)
    has_resolution = not (frame and binding.resolutions) or frame.resolution in binding.resolutions
    longest = min(binding.longest(mode), int(config.get("max_seconds") or seconds or 600))
    return binding.name_for(mode) is not None and has_resolution and seconds <= longest


def _is_listed(word: str, words: str) -> bool:
    """Whether a word is one of those listed; a list that is empty has them all."""
    return not words or word in words.split(",")


def _today() -> date:
    return timezone.localdate()
