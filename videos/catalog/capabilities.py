"""What the configured engines make of each model: modes, frames, lengths and choices.

The answers are kept in memory for the engines, the catalog and the day that they depend on.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.conf import settings
from django.utils import timezone

from videos.catalog.entries import LONGEST, Binding, Model
from videos.catalog.frames import Frame
from videos.catalog.reading import Catalog, catalog
from videos.engines.base import is_sandbox


@dataclass(frozen=True)
class Capability:
    """What an engine makes of a model in one mode: these frames, each in these lengths."""

    engine: str
    mode: str
    frames: tuple[Frame, ...]
    lengths: tuple[int, ...]
    takes: frozenset[str]

    def can(self, mode: str, size: str = "", seconds: int = 0, names: Collection[str] = ()) -> bool:
        """Whether it makes such a video with the choices of these names; empty ones fit any."""
        has_size = not size or any(frame.size == size for frame in self.frames)
        has_length = not seconds or seconds in self.lengths
        has_mode = not mode or mode == self.mode
        return has_mode and has_size and has_length and self.takes.issuperset(names)


def of_model(model: Model) -> tuple[Capability, ...]:
    """What the configured engines make of a model, in the order of preference.

    The sandbox is never the fallback of a real engine, nor a real engine that of the sandbox.
    """
    return _of_model(catalog(), model.id, configured())


def narrow(model: Model) -> Model:
    """The model with only what engines make of it; the model itself when none makes it."""
    return _narrow(catalog(), model.id, configured())


# What decides the answers: the engines with these settings, and the day.
Configured = tuple[date, tuple[tuple[str | None, ...], ...]]
DECIDING = ("adapter", "models", "offered_models", "operations", "max_seconds", "is_sandbox")


def configured() -> Configured:
    """The key under which answers that depend on the engines and the day may be kept."""
    engines = settings.ENGINES.items()
    return timezone.localdate(), tuple(
        (name, *(config.get(key) for key in DECIDING)) for name, config in engines
    )


@lru_cache(maxsize=1024)
def _of_model(known: Catalog, model_id: str, _key: Configured) -> tuple[Capability, ...]:
    model = known.models[model_id]
    found = [
        capability
        for name, binding in _bindings(model)
        for mode in model.modes
        if (capability := _capability(model, name, binding, mode))
    ]
    return tuple(each for each in found if is_sandbox(each.engine) == is_sandbox(found[0].engine))


def _capability(model: Model, engine: str, binding: Binding, mode: str) -> Capability | None:
    config = settings.ENGINES[engine]
    is_listed = _is_listed(model.id, config.get("offered_models", "")) and _is_listed(
        mode, config.get("operations", "")
    )
    if not is_listed or binding.name_for(mode) is None:
        return None
    made = binding.resolutions
    frames = tuple(each for each in model.frames if not made or each.resolution in made)
    longest = int(config.get("max_seconds") or LONGEST)
    lengths = tuple(n for n in model.lengths if n <= longest and binding.has_length(mode, n))
    if not frames or not lengths:
        return None
    return Capability(engine, mode, frames, lengths, frozenset(binding.takes_for(mode)))


@lru_cache(maxsize=1024)
def _narrow(known: Catalog, model_id: str, _key: Configured) -> Model:
    model = known.models[model_id]
    able = of_model(model)
    if not able:
        return model
    frames = {frame for each in able for frame in each.frames}
    made = {n for each in able for n in each.lengths}
    first = next(frame for frame in model.frames if frame in frames)
    return model.narrowed(
        modes={each.mode for each in able},
        resolutions={frame.resolution for frame in frames},
        lengths=tuple(n for n in model.lengths if n in made),
        takes={name for each in able for name in each.takes},
        longest_default=max(each.lengths[-1] for each in able if first in each.frames),
    )


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
    today = timezone.localdate()
    valid = [each for each in model.bindings if ended or not each.ends or each.ends > today]
    for name, config in settings.ENGINES.items():
        binding = next((each for each in valid if each.engine in {name, config["adapter"]}), None)
        if binding is None and _is_mapped(model.id, config):
            binding = Binding(engine=name, takes=("first_image",))
        if binding:
            yield name, binding


def _is_mapped(model: str, config: Mapping[str, str]) -> bool:
    return any(pair.partition("=")[0] == model for pair in config.get("models", "").split(","))


def _is_listed(word: str, words: str) -> bool:
    """Whether a word is one of those listed; a list that is empty has them all."""
    return not words or word in words.split(",")
