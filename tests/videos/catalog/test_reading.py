"""The catalog's files: the presets, the operator's own entries, and clear words for each fault."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from videos.catalog import reading
from videos.catalog.reading import catalog

LINES = "use one of 360p, 480p, 540p, 720p, 768p, 1080p, 1440p, 2k, 2160p, 4k"
SECONDS = "tuple[constrained-int, ...]"
MODEL: dict[str, Any] = {
    "id": "wan-2.2",
    "label": "Wan 2.2",
    "modes": ["text", "image"],
    "aspects": ["16:9", "9:16"],
    "resolutions": ["480p", "720p"],
    "seconds": {"min": 3, "max": 15},
    "default_seconds": 5,
    "audio": "none",
    "price": {"per": "second", "text": {"480p": 1.5, "720p": 3}, "minimum": 10},
    "bindings": [
        {
            "engine": "gpu",
            "model": {"text": "wan-t2v", "image": "wan-i2v"},
            "input": {"prompt": "{prompt}", "length": "{seconds}"},
            "inputs": {"image": {"start": "{first_image}"}},
        }
    ],
}


@pytest.fixture
def own_file(tmp_path: Path, settings: LazySettings) -> Path:
    settings.CATALOG_FILE = tmp_path / "catalog.json"
    return tmp_path / "catalog.json"


def write(path: Path, **content: Any) -> None:
    path.write_text(json.dumps(content))


def fault(path: Path, **content: Any) -> str:
    write(path, **content)
    with pytest.raises(ImproperlyConfigured) as caught:
        catalog()
    return str(caught.value).removeprefix(f"{path}: ")


def test_presets_have_no_problems() -> None:
    assert reading.find_problems(catalog()) == []


def test_model_of_the_operator_stands_beside_the_presets(own_file: Path) -> None:
    write(own_file, models=[MODEL])
    model = catalog().models["wan-2.2"]
    assert list(model.by_size) == ["854x480", "480x854", "1280x720", "720x1280"]
    assert [(f.aspect, f.resolution) for f in model.frames][::3] == [
        ("16:9", "480p"),
        ("9:16", "720p"),
    ]
    assert model.lengths == tuple(range(3, 16))
    assert model.bindings[0].fields_for("image") == {
        "prompt": "{prompt}",
        "length": "{seconds}",
        "start": "{first_image}",
    }
    assert "sora-2" in catalog().models


def test_fields_of_the_operator_replace_those_of_a_preset(own_file: Path) -> None:
    write(own_file, models=[{"id": "sora-2", "label": "Our Sora", "seconds": [4, 8]}])
    model = catalog().models["sora-2"]
    assert (model.label, model.lengths, model.default_size) == ("Our Sora", (4, 8), "1280x720")


def test_alias_means_its_model(own_file: Path, settings: LazySettings) -> None:
    write(own_file, models=[MODEL], aliases={"sora-2": {"model": "wan-2.2"}})
    settings.MODEL_ALIASES = {"video-fast": "wan-2.2"}
    found = {word: model.id for word in ("sora-2", "video-fast") if (model := catalog().find(word))}
    assert found == {"sora-2": "wan-2.2", "video-fast": "wan-2.2"}
    settings.MODEL_ALIASES = {"video-fast": "wan-9"}
    with pytest.raises(ImproperlyConfigured) as caught:
        catalog()
    assert str(caught.value) == "MODEL_ALIASES: video-fast: wan-9 is not a model"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"label": None}, "model wan-2.2 → label: Input should be a valid string"),
        ({"colour": "red"}, "model wan-2.2 → colour: Extra inputs are not permitted"),
        ({"audio": "x"}, "model wan-2.2 → audio: Input should be 'none', 'always' or 'optional'"),
        ({"default_seconds": 2}, "model wan-2.2: default_seconds is not among the seconds"),
        ({"sizes": ["1280x720"]}, "model wan-2.2: give either sizes, or aspects with resolutions"),
        ({"resolutions": ["721p"]}, f"model wan-2.2: unknown resolution 721p: {LINES}"),
        ({"price": {"per": "second", "text": {"480p": 1}}}, "model wan-2.2: no price for 720p"),
        ({"price": {"per": "second", "text": 0}},
         "model wan-2.2 → price → text → decimal: Input should be greater than 0"),
        ({"resolutions": ["2k", "1440p"]},
         "model wan-2.2: two of its resolutions have the same sizes"),
        ({"seconds": [0], "default_seconds": 0},
         f"model wan-2.2 → seconds → {SECONDS} → 0: Input should be greater than or equal to 1"),
        ({"replacement": "wan-9"}, "model wan-2.2: its replacement wan-9 is not a model"),
        ({"bindings": [{"engine": "gpu", "input": {"p": "{promt}"}}]},
         "model wan-2.2, engine gpu: nothing fills the placeholder {promt}"),
        ({"modes": ["text", "reference"]},
         "model wan-2.2: give max_references, the most reference images of an order"),
        ({"modes": ["first_last"],
          "bindings": [{"engine": "gpu", "modes": ["first_last"], "takes": ["first_image"]}]},
         "model wan-2.2, engine gpu: in mode first_last the input has no field for last_image"),
        ({"bindings": [{"engine": "gpu", "input": {"p": "{prompt}"}}]},
         "model wan-2.2, engine gpu: in mode image the input has no field for first_image"),
    ],
)  # fmt: skip
def test_fault_of_a_model_is_named(own_file: Path, changed: dict[str, Any], sentence: str) -> None:
    assert fault(own_file, models=[{**MODEL, **changed}]) == sentence


def test_fault_outside_of_models_is_named(own_file: Path) -> None:
    assert fault(own_file, aliases={"a": {"model": "b"}}) == "alias a: b is not a model"
    assert fault(own_file, qualities={"hd": "b"}) == "quality hd: b is not a model or alias"
    assert fault(own_file, models={"id": "a"}) == "models: expected a list of models with an id"
    assert fault(own_file, models=[1]) == "models: expected a list of models with an id"
    assert fault(own_file, models=[MODEL, MODEL]) == "model wan-2.2: it is there twice"
    assert fault(own_file, aliases=["a"]) == "aliases: expected an object"
    assert fault(own_file, qualities=None) == "qualities: expected an object"
    priced = {"model": "wan-2.2", "price": {"per": "second", "text": {"480p": 1}}}
    assert fault(own_file, models=[MODEL], aliases={"a": priced}) == "alias a: no price for 720p"
    word = "x" * 65
    assert fault(own_file, models=[MODEL], aliases={word: {"model": "wan-2.2"}}) == (
        f"aliases → {word} → [key]: String should match pattern"
        " '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$'"
    )
    assert fault(own_file, model=[]) == "model: Extra inputs are not permitted"


def test_file_that_cannot_be_read_is_named(own_file: Path) -> None:
    with pytest.raises(ImproperlyConfigured) as missing:
        catalog()
    assert str(missing.value) == f"{own_file}: it cannot be read: No such file or directory"
    own_file.write_text("{")
    with pytest.raises(ImproperlyConfigured) as broken:
        catalog()
    assert str(broken.value).startswith(f"{own_file}: it is not JSON: ")
    own_file.write_text("[" * 100_000)
    with pytest.raises(ImproperlyConfigured) as deep:
        catalog()
    assert str(deep.value).startswith(f"{own_file}: it is not JSON: ")
    own_file.write_text("[]")
    with pytest.raises(ImproperlyConfigured) as listed:
        catalog()
    assert str(listed.value) == f"{own_file}: expected an object with models"
