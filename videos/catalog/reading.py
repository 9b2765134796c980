"""Read the catalog once: the shipped presets, and the operator's file, which wins over them."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError

from videos.catalog.entries import IMAGES, Alias, Binding, CatalogFile, Model
from videos.catalog.frames import Frame, frame_of
from videos.engines import templates

PRESETS = Path(__file__).with_name("presets.json")


class Catalog:
    """The models by id in the order they are shown, the aliases, and the words of quality."""

    def __init__(self, read: CatalogFile) -> None:
        self.models: dict[str, Model] = {model.id: model for model in read.models}
        self.aliases: dict[str, Alias] = dict(read.aliases)
        self.qualities: dict[str, str] = dict(read.qualities)

    def find(self, word: str) -> Model | None:
        """The model that an id or an alias means."""
        alias = self.aliases.get(word)
        return self.models.get(alias.model if alias else word)

    def named(self, models: Iterable[str]) -> list[tuple[str, str]]:
        """The models with their labels, in the order of the catalog."""
        order = {model: n for n, model in enumerate(self.models)}
        found = sorted(models, key=lambda model: (order.get(model, len(order)), model))
        return [(model, self.label(model)) for model in found]

    def frame(self, model: str, size: str) -> Frame:
        """The frame of a stored video, also one whose model or size is not in the catalog now."""
        known = self.models.get(model)
        return (known and known.by_size.get(size)) or frame_of(size)

    def label(self, model: str) -> str:
        """What people call a model, also one that is not in the catalog any more."""
        return self.models[model].label if model in self.models else model


def catalog() -> Catalog:
    """The catalog of this process. Raises ImproperlyConfigured when a file cannot be used."""
    return _read(str(settings.CATALOG_FILE), tuple(sorted(settings.MODEL_ALIASES.items())))


@cache
def _read(file: str, aliases: tuple[tuple[str, str], ...]) -> Catalog:
    merged = _load(PRESETS)
    if file:
        merged = _merge(merged, _load(Path(file)))
    ids = {entry["id"] for entry in merged.get("models", [])}
    for word, target in aliases:
        if target not in ids:
            raise ImproperlyConfigured(f"MODEL_ALIASES: {word}: {target} is not a model")
        merged.setdefault("aliases", {})[word] = {"model": target}
    try:
        found = Catalog(CatalogFile.model_validate(merged))
    except ValidationError as error:
        raise ImproperlyConfigured(_explain(error, merged, file)) from error
    if problems := find_problems(found):
        raise ImproperlyConfigured(f"{file or PRESETS.name}: {problems[0]}")
    return found


def find_problems(found: Catalog) -> list[str]:
    """What is wrong between the entries, in sentences."""
    problems = [
        f"model {model.id}: its replacement {model.replacement} is not a model"
        for model in found.models.values()
        if model.replacement and model.replacement not in found.models
    ]
    problems += [
        f"alias {word}: {alias.model} is not a model"
        for word, alias in found.aliases.items()
        if alias.model not in found.models
    ]
    problems += [
        f"alias {word}: {problem}"
        for word, alias in found.aliases.items()
        if alias.price and (model := found.models.get(alias.model))
        if (problem := alias.price.find_problem(model.frames))
    ]
    problems += [
        f"quality {word}: {target} is not a model or alias"
        for word, target in found.qualities.items()
        if found.find(target) is None
    ]
    for model in found.models.values():
        for binding in model.bindings:
            problems += _problems_of_binding(model, binding)
    return problems


def _problems_of_binding(model: Model, binding: Binding) -> list[str]:
    where = f"model {model.id}, engine {binding.engine}"
    problems = []
    for mode in model.modes:
        if binding.name_for(mode) is None:
            continue
        takes = binding.takes_for(mode)
        if unknown := sorted(takes - set(templates.NAMES)):
            problems.append(f"{where}: nothing fills the placeholder {{{unknown[0]}}}")
        missing = [name for name in IMAGES.get(mode, ()) if name not in takes]
        if missing:
            problems.append(f"{where}: in mode {mode} the input has no field for {missing[0]}")
    return problems


def _load(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: it cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ImproperlyConfigured(f"{path}: it is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ImproperlyConfigured(f"{path}: expected an object with models")
    models = found.get("models", [])
    if not isinstance(models, list) or not all(map(_has_id, models)):
        raise ImproperlyConfigured(f"{path}: models: expected a list of models with an id")
    ids = [entry["id"] for entry in models]
    if twice := sorted({word for word in ids if ids.count(word) > 1}):
        raise ImproperlyConfigured(f"{path}: model {twice[0]}: it is there twice")
    for name in ("aliases", "qualities"):
        if not isinstance(found.get(name, {}), dict):
            raise ImproperlyConfigured(f"{path}: {name}: expected an object")
    return found


def _has_id(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), str)


def _merge(presets: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The presets with the operator's entries: given fields of a known model replace its own."""
    by_id = {entry["id"]: entry for entry in presets.get("models", [])}
    for entry in own.get("models", []):
        by_id[entry["id"]] = {**by_id.get(entry["id"], {}), **entry}
    merged = {**presets, **own, "models": list(by_id.values())}
    for name in ("aliases", "qualities"):
        merged[name] = {**presets.get(name, {}), **own.get(name, {})}
    return merged


def _explain(error: ValidationError, merged: dict[str, Any], file: str) -> str:
    """The first fault of a file in a sentence that names the model and the field."""
    first = error.errors()[0]
    where = list(first["loc"])
    if where[0] == "models":
        where[:2] = [f"model {merged['models'][where[1]]['id']}"]
    said = first["msg"].removeprefix("Value error, ")
    return f"{file or PRESETS.name}: {' → '.join(map(str, where))}: {said}"
